import { foldClaim, foldTask } from '../api/arap/index.js';
import { foldDelegations, foldEmergency, foldGrants, foldRecommendations, foldStanding } from '../approval/index.js';
import { foldPins } from '../gateway/mcp/index.js';
import { foldPasskeys } from '../identity/index.js';
import { foldKeys, type Fold } from '../ledger/index.js';
import { foldIdentity, foldSession } from '../session/index.js';

/** For a stream of which only its versions matter. */
const onlyVersions: Fold<unknown> = (state) => state ?? true;

/** How entries of each kind of stream add up to a state. */
export const folds: Readonly<Record<string, Fold<unknown>>> = {
  session: foldSession as Fold<unknown>,
  identity: foldIdentity as Fold<unknown>,
  tools: foldPins as Fold<unknown>,
  authenticator: foldPasskeys as Fold<unknown>,
  'sign-ins': onlyVersions,
  standing: foldStanding as Fold<unknown>,
  'standing-of': onlyVersions,
  delegation: foldDelegations as Fold<unknown>,
  grant: foldGrants as Fold<unknown>,
  emergency: foldEmergency as Fold<unknown>,
  task: foldTask as Fold<unknown>,
  denial: foldClaim as Fold<unknown>,
  'task-key': foldClaim as Fold<unknown>,
  recommendation: foldRecommendations as Fold<unknown>,
  bundle: (state, entry) => state ?? entry.id,
  notice: onlyVersions,
  node: onlyVersions,
  erasures: onlyVersions,
  archive: onlyVersions,
  log: foldKeys as Fold<unknown>,
};
