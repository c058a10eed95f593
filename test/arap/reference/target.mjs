export { createReference as createTarget } from './server.mjs';
