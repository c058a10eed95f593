// The server's API, asked by its own pages: the cookie goes by itself, the token only where something changes.

let me;

export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function ask(method, path, body, more = {}) {
  const headers = { accept: 'application/json', ...more };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET' && me?.form_token) headers['flyball-form-token'] = me.form_token;
  const response = await fetch(path, { method, headers, credentials: 'same-origin', cache: 'no-store', redirect: 'error', ...(body !== undefined && { body: JSON.stringify(body) }) }).catch(() => {
    throw new Refused(0, 'unreachable', 'the server cannot be reached');
  });
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, value.error?.code ?? 'internal', value.error?.message ?? `the server answered with status ${response.status}`);
  return value;
}

export const get = (path) => ask('GET', path);
/** As `get`, when nobody did anything: it does not keep a visit alive. */
export const look = (path) => ask('GET', path, undefined, { 'flyball-by-itself': '1' });
export const post = (path, body = {}) => ask('POST', path, body);
export const remove = (path) => ask('DELETE', path);

/** Who is signed in; nobody when the server says so. */
export async function whoAmI() {
  try {
    me = await get('/v1/me');
  } catch (error) {
    if (error.status !== 401 && error.status !== 403) throw error;
    me = undefined;
  }
  return me;
}

/** An error, as a sentence. */
export const sentence = (error) => {
  const text = error?.message || 'something went wrong';
  return `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
};
