// Between the server's base64url and the browser's bytes.

const toBytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

export const canSign = () => window.PublicKeyCredential !== undefined;

const withIds = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

/** Has the authenticator make a key. */
export async function createKey(options) {
  const made = await navigator.credentials.create({ publicKey: { ...options, challenge: toBytes(options.challenge), user: { ...options.user, id: toBytes(options.user.id) }, excludeCredentials: withIds(options.excludeCredentials) } });
  const { clientDataJSON, attestationObject } = made.response;
  return { id: made.id, rawId: toText(made.rawId), type: made.type, response: { clientDataJSON: toText(clientDataJSON), attestationObject: toText(attestationObject), transports: made.response.getTransports?.() ?? [] } };
}

/** Has the authenticator sign one answer. */
export async function sign(options) {
  const made = await navigator.credentials.get({ publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: withIds(options.allowCredentials) } });
  const { clientDataJSON, authenticatorData, signature } = made.response;
  return { id: made.id, rawId: toText(made.rawId), type: made.type, response: { clientDataJSON: toText(clientDataJSON), authenticatorData: toText(authenticatorData), signature: toText(signature) } };
}

/** Browsers say little on purpose; this says what to do. */
export const passkeyFault = (error) => {
  if (error?.name === 'NotAllowedError') return 'The passkey was not used: it was cancelled, took too long, or is not on this device.';
  if (error?.name === 'InvalidStateError') return 'This device has a passkey of yours already.';
  return undefined;
};
