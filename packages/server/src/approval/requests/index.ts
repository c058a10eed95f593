export { type AccessAnswer, AccessRequests, type Asker, type AskingPerson, type AskingPoint, type Looked } from './access-requests.js';
export { foldGrants } from './grant.js';
export { type GrantHolder, type GrantPerson, Grants, type ShownGrant } from './grants.js';
export { outcomeOfRequest } from './outcome-of-request.js';
export { Resuming } from './resuming.js';
export { forMachine, forPerson } from './simulate.js';
export type { Wish } from './wish.js';
