export { Identification } from './identify.js';
export { localKeyIssuer, oidcIssuer, type OidcSettings, spiffeIssuer, type SpiffeSettings } from './issuers.js';
export { administratorsAudience, findLocalKey, loadLocalKey, localIssuer, operatorName, publicPart, signLocalToken } from './local-key.js';
export { isNonce, isProof, signProof } from './local-proof.js';
export * from './passkeys/index.js';
export * from './people/index.js';
export { Registry } from './registry.js';
export { type Issuer, verifyToken } from './tokens.js';
