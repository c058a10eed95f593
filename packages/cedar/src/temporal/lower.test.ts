import { lowerTemporal } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { cedar, inFull } from '../../../../test/support/trace-kit.js';

const lowered = (policy: string, names = 't') => lowerTemporal(inFull(policy), (ordinal) => `${names}${ordinal}`);
const squeezed = (text: string) => text.replace(/\s+/g, ' ').trim();
const head = 'permit (principal, action, resource)';
const login = 'Login.req{}';

test.each<readonly [name: string, policy: string, cedarText: string, clauses: readonly string[]]>([
  ['a clause of its own', `${head} when temporal { ${login} };`, `${head} when {context.temporal.t0} ;`, [login]],
  ['an exception', `${head} unless temporal{${login}};`, `${head} unless {context.temporal.t0} ;`, [login]],
  ['two clauses', `${head} when temporal { ${login} } unless temporal { Ban.req{} };`, `${head} when {context.temporal.t0} unless {context.temporal.t1} ;`, [login, 'Ban.req{}']],
  ['within a condition', `${head} when { context.x > 5 && temporal { ${login} } };`, `${head} when { context.x > 5 && context.temporal.t0 };`, [login]],
  ['on both sides of an or', `${head} when { temporal { ${login} } || !temporal { Ban.req{} } };`, `${head} when { context.temporal.t0 || !context.temporal.t1 };`, [login, 'Ban.req{}']],
  ['in a choice', `${head} when { if temporal { ${login} } then true else temporal { Ban.req{} } };`, `${head} when { if context.temporal.t0 then true else context.temporal.t1 };`, [login, 'Ban.req{}']],
  ['in a record', `${head} when { { a: temporal { ${login} } }.a };`, `${head} when { { a: context.temporal.t0 }.a };`, [login]],
  ['a brace in a text', `${head} when temporal { Login.req{ input.user: "}" } };`, `${head} when {context.temporal.t0} ;`, ['Login.req{ input.user: "}" }']],
  ['a quote in a text', `${head} when temporal { Login.req{ input.user: "\\"}" } };`, `${head} when {context.temporal.t0} ;`, ['Login.req{ input.user: "\\"}" }']],
  ['a brace in a comment', `${head} when temporal { ${login} // }\n };`, `${head} when {context.temporal.t0} ;`, [`${login} // }`]],
  ['a quote in a comment', `${head} when temporal { ${login} // don't say "}\n };`, `${head} when {context.temporal.t0} ;`, [`${login} // don't say "}`]],
  ['a comment before the brace', `${head} when temporal // of late\n { ${login} };`, `${head} when {context.temporal.t0} ;`, [login]],
  ['a comment behind `when`', `${head} when // of late\n temporal { ${login} };`, `${head} when // of late {context.temporal.t0} ;`, [login]],
  ['close to other words', `${head} when{if temporal{${login}}then temporal{${login}}else false};`, `${head} when{if context.temporal.t0 then context.temporal.t1 else false};`, [login, login]],
])('story: %s', (_name, policy, cedarText, clauses) => {
  const { text, clauses: found, faults } = lowered(policy);
  expect(faults).toEqual([]);
  expect(squeezed(text).replace(/ +([;)}.])/g, ' $1')).toBe(squeezed(cedarText).replace(/ +([;)}.])/g, ' $1'));
  expect(found.map((clause) => clause.text)).toEqual(clauses.map(inFull));
  expect(cedar.policyToJson(text).type).toBe('success');
});

test.each<readonly [name: string, policy: string]>([
  ['an attribute of the context', `${head} when { context.temporal.x && context.temporal["y"] };`],
  ['an attribute of the principal', `${head} when { principal.temporal };`],
  ['an attribute of a record', `${head} when { { temporal: 1 }.temporal == 1 };`],
  ['the key of a record in quotes', `${head} when { { "temporal": { a: 1 } }.temporal.a == 1 };`],
  ['an attribute that is asked for', `${head} when { context has temporal && context has temporal.x };`],
  ['a type', 'permit (principal is temporal, action == temporal::Action::"x", resource is temporal::Doc) when { principal is temporal };'],
  ['an annotation', `@temporal("temporal { x }")\n${head};`],
  ['a text', `${head} when { context.note == "when temporal { x }" };`],
  ['a text with quotes', `${head} when { context.note == "\\"temporal { x }\\\\" };`],
  ['a comment', `// when temporal { x }\n${head}; // temporal {`],
  ['part of a word', `${head} when { context.temporally == context.atemporal };`],
])('law: the word is left alone as %s', (_name, policy) => {
  expect(lowered(policy)).toEqual({ text: policy, clauses: [], faults: [] });
  expect(cedar.policyToJson(policy).type).toBe('success');
});

test.each<readonly [name: string, policy: string]>([
  ['an attribute', `${head} when { principal.temporal { ${login} } };`],
  ['an attribute that is asked for', `${head} when { principal has temporal { ${login} } };`],
  ['an attribute, with space before it', `${head} when { principal . /**/ temporal { ${login} } };`.replace('/**/', '')],
  ['a type', `${head} when { principal is temporal { ${login} } };`],
  ['part of a name', `${head} when { a::temporal { ${login} } };`],
])('attack: a block as %s does not become a path into the context: Cedar refuses it', (_name, policy) => {
  const { text, clauses } = lowered(policy);
  expect([text, clauses]).toEqual([inFull(policy), []]);
  expect(cedar.policyToJson(text).type).toBe('failure');
});

test.each<readonly [name: string, policy: string]>([
  ['at the end of the text', `${head} when temporal { ${login}`],
  ['with the brace of a pattern', `${head} when temporal { Login.req{ ;`],
  ['with a semicolon behind', `${head} when temporal { ${login} ;`],
  ['with the brace in a comment', `${head} when temporal { ${login} // };`],
  ['with the brace in a text', `${head} when temporal { ${login} "};`],
  ['with nothing in it', `${head} when temporal {`],
])('attack: a block without an end is a fault at its beginning: %s', (_name, policy) => {
  const { clauses, faults } = lowered(policy);
  expect(clauses).toEqual([]);
  expect(faults.map(({ start, message }) => [start, message])).toEqual([[policy.indexOf('{'), 'expected `}` at the end of this `temporal` block']]);
});

/** Line and column, from 1, of the first error that Cedar finds. */
function cedarsError(text: string): readonly [line: number, column: number] | undefined {
  const parsed = cedar.policyToJson(text);
  const offset = parsed.type === 'failure' ? parsed.errors[0]?.sourceLocations?.[0]?.start : undefined;
  if (offset === undefined) return undefined;
  const before = Buffer.from(text).subarray(0, offset).toString().split('\n');
  return [before.length, (before.at(-1) ?? '').length + 1];
}

test.each<readonly [name: string, policy: string, line: number, column: number]>([
  ['on the line of the block', `permit (principal, action, resource) when temporal { formerly within 1h Login.req{} } when { 1 + };`, 1, 0],
  ['behind a block of several lines', 'permit (principal, action, resource)\nwhen temporal {\n  Login.req{}\n} unless {\n  1 + };', 5, 7],
  ['on the last line of a block', 'permit (principal, action, resource)\nwhen temporal {\n  Login.req{}\n} unless { 1 + };', 4, 0],
  ['behind lines that end as on Windows', 'permit (principal, action, resource)\r\nwhen temporal {\r\n  Login.req{} }\r\nwhen { 1 + };', 4, 12],
  ['behind letters of several bytes', 'permit (principal, action, resource)\nwhen temporal { Login.req{ input.user: "Žofie 😀" } } when { 1 + };', 2, 0],
])('law: an error of Cedar keeps its line and column: %s', (_name, policy, line, column) => {
  const { text, faults } = lowered(policy);
  expect(faults).toEqual([]);
  const before = inFull(policy).split('\n')[line - 1]?.indexOf('};') ?? 0;
  expect(cedarsError(text)).toEqual([line, column === 0 ? before + 1 : column]);
});

test('law: lines stay where a name is longer than its block', () => {
  const { text } = lowered(`${head} when {\ntemporal {A.req{}}\n&& 1 + };`, 'a_very_long_name_of_a_clause_');
  expect(cedarsError(text)).toEqual([3, 8]);
  const fused = lowered(`${head} when { if temporal{A.req{}}then true else temporal{A.req{}}};`, 'a_very_long_name_of_a_clause_');
  expect(cedar.policyToJson(fused.text).type).toBe('success');
});

test('law: a name that is no word of Cedar is put in quotes', () => {
  const { text, clauses } = lowerTemporal(inFull(`${head} when temporal { ${login} };`), () => 'no "word" é');
  expect(text).toContain('context.temporal["no \\"word\\" é"]');
  expect(clauses.map(({ name }) => name)).toEqual(['no "word" é']);
  expect(cedar.policyToJson(text).type).toBe('success');
});

test('law: a clause says where its condition begins', () => {
  const policy = inFull(`${head}\nwhen temporal {\n  ${login} && Ban.req{} };`);
  const [clause] = lowered(policy).clauses;
  expect(policy.slice((clause?.start ?? 0) + (clause?.condition.start ?? 0))).toMatch(/^App::Action::"Login"/);
});
