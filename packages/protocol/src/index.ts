export * from './action.js';
export * from './canonical.js';
export * from './decision.js';
export * from './entry.js';
export * from './errors.js';
export * from './identity.js';
export * from './json.js';
