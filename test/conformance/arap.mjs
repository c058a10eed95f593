// npm run conformance:arap -- --help: the rules of the AuthZEN Access Request and Approval Profile that bind a decision
// point and an access request service, one check for each.
import { draftOf } from '../arap/draft.mjs';
import { pepRules } from '../arap/pep-rules.mjs';
import { runSuite } from '../arap/suite.mjs';
import { table } from '../arap/verdicts.mjs';
import { runProfile } from './profile.mjs';

await runProfile('conformance:arap', runSuite, (target, rows) => {
  const pep = pepRules.map(([section, rule]) => `PEP     ${rule}  [${section}]`).join('\n');
  return `${draftOf()} against ${target.name} at ${target.url}\n\n${table(rows)}\n\nrules that bind an enforcement point alone, and are not looked at here:\n${pep}`;
});
