export { approve, isRequester, type People, reasonsOf } from './approve.js';
export { type Answer, type HoldBody, type HoldRecord, Holds } from './holds.js';
