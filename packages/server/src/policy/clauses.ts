import { type DecisivePart, type Environment, EvaluationError, explainPolicy, fromValue, type PolicySet, printExpression } from '@flyball/cedar';

const partsMost = 20;
const textMost = 400;

/** What is explained: policies, and their temporal clauses as they were written. */
export interface Explainable {
  readonly policySet: PolicySet;
  readonly temporal: { readonly clauses: readonly { readonly name: string; readonly text: string }[] };
}

/** Why one policy held or did not, a line for each part that decided so, with what it saw. */
export function clauseLines({ policySet, temporal }: Explainable, id: string, environment: Environment): readonly string[] {
  const policy = policySet.get(id);
  if (!policy) return [];
  const { clauses, elsewhere } = explainPolicy(policy, environment);
  const heads = elsewhere.map((part) => `its ${part} is another`);
  return [...heads, ...clauses.flatMap(({ kind, because }) => because.map((part) => `${kind} ${asWritten(line(part), temporal.clauses)}`))].slice(0, partsMost);
}

function line({ text, result, saw }: DecisivePart): string {
  const came = result instanceof EvaluationError ? `could not be evaluated (${result.message})` : `was ${result}`;
  const values = saw.filter(({ path }) => path !== text).map(({ path, value }) => `${path} = ${printExpression({ Value: fromValue(value) })}`);
  return shortened(`\`${text}\` ${came}${values.length === 0 ? '' : `; ${values.join(', ')}`}`);
}

const asWritten = (text: string, clauses: Explainable['temporal']['clauses']): string =>
  text.replace(/context\.temporal\.(t\d+)/g, (attribute, name: string) => {
    const clause = clauses.find((each) => each.name === name);
    return clause ? `temporal { ${clause.text.replace(/\s+/g, ' ')} }` : attribute;
  });

const shortened = (text: string): string => (text.length > textMost ? `${text.slice(0, textMost)}…` : text);
