import { checks as authorization } from './checks/a-authorization.mjs';
import { checks as bulk } from './checks/b-bulk.mjs';
import { checks as completion } from './checks/c-completion.mjs';
import { checks as discovery } from './checks/d-discovery.mjs';
import { checks as catalogs } from './checks/k-catalogs.mjs';
import { checks as notifications } from './checks/n-notifications.mjs';
import { checks as denials } from './checks/r-denials.mjs';
import { checks as submissions } from './checks/s-submissions.mjs';
import { checks as tasks } from './checks/t-tasks.mjs';
import { runChecks } from './verdicts.mjs';
import { World } from './world.mjs';

export const checks = [...discovery, ...denials, ...submissions, ...authorization, ...bulk, ...tasks, ...completion, ...notifications, ...catalogs];

export const runSuite = (target, options) => runChecks(checks, new World(target), options);
