// npm run conformance:obligations -- --help: the rules of the AuthZEN Profile for Obligations that bind a decision point.
// Products are described as for conformance:arap, with the case `obliged`.
import { checks } from '../arap/obligations.mjs';
import { runChecks, table } from '../arap/verdicts.mjs';
import { World } from '../arap/world.mjs';
import { runProfile } from './profile.mjs';

await runProfile('conformance:obligations', (target, options) => runChecks(checks, new World(target), options), (target, rows) => `authzen-obligations-profile-1_0, Draft 1, against ${target.name} at ${target.url}\n\n${table(rows)}\n\nwhat an enforcement point does with obligations is not looked at here`);
