export { Identification } from './identify.js';
export { localKeyIssuer, oidcIssuer, type OidcSettings, spiffeIssuer, type SpiffeSettings } from './issuers.js';
export { signatureAlgorithms } from './keys.js';
export { loadLocalKey, localIssuer, publicPart, signLocalToken } from './local-key.js';
export * from './passkeys/index.js';
export * from './people/index.js';
export { Registry } from './registry.js';
export { type Issuer, verifyToken } from './tokens.js';
