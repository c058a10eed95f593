export { foldIdentity, foldSession } from './fold.js';
export { permitsAction, type SessionRecord, type SessionWish, Sessions, sessionStream } from './sessions.js';
