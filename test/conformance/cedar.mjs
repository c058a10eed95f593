// npm run conformance:cedar -- DIR: @flyball/cedar against a copy of cedar-policy/cedar-integration-tests, with its
// corpus-tests.tar.gz unpacked. Compares decisions, reasons and errors. Ends with `N passed, M failed`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { prepare } from '../../tools/install.mjs';

const root = process.argv[2];
if (!root || !existsSync(join(root, 'tests'))) {
  console.error('expected a folder with `tests` and `corpus-tests`: an unpacked copy of cedar-policy/cedar-integration-tests');
  process.exit(2);
}
prepare();
const { authorize, Entities, parseJson, PolicySet, safeText, toEnvironment } = await import('../../packages/cedar/dist/index.js');
const wasm = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs');

const failuresShown = 20;
const success = (answer, what) => {
  if (answer.type !== 'success') throw new Error(`${what}: ${answer.errors?.map(({ message }) => message).join('; ')}`);
  return answer;
};

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? filesUnder(join(folder, entry.name)) : /(?<!\.entities)\.json$/.test(entry.name) ? [join(folder, entry.name)] : []));
}

/** Policies by the names that the parser gives them: policy0, policy1 ..., in the order of the file. */
function policiesOf(file) {
  const safe = safeText(readFileSync(join(root, file), 'utf8'));
  const { policies } = success(wasm.policySetTextToParts(safe.text), file);
  const placed = policies.sort((left, right) => safe.text.indexOf(left) - safe.text.indexOf(right));
  return new PolicySet({ staticPolicies: Object.fromEntries(placed.map((text, index) => [`policy${index}`, safe.restore(success(wasm.policyToJson(text), file).json)])) });
}

/** The schema with every type's full name: which attributes are entities, and which groups actions are in. */
const schemaOf = (file) => success(wasm.schemaToJsonWithResolvedTypes(readFileSync(join(root, file), 'utf8')), file).json;

/** Actions as entities; they come with those of the file. */
function actionsOf(schema) {
  return Object.entries(schema).flatMap(([namespace, { actions }]) => {
    const own = namespace === '' ? 'Action' : `${namespace}::Action`;
    return Object.entries(actions).map(([id, { memberOf = [] }]) => ({ uid: { type: own, id }, attrs: {}, parents: memberOf.map((group) => ({ type: group.type ?? own, id: group.id })) }));
  });
}

/** A value with the escapes that its type in the schema allows to leave out. */
function escaped(value, type, common) {
  if (type?.type === 'CommonType' || common[type?.type]) return escaped(value, common[type.name ?? type.type], common);
  if (type?.type === 'Entity' && value?.type !== undefined) return { __entity: value };
  if (type?.type === 'Set' && Array.isArray(value)) return value.map((item) => escaped(item, type.element, common));
  if (type?.type === 'Record') return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, escaped(item, type.attributes[name], common)]));
  return value;
}

const uidOf = (entity) => JSON.stringify(entity.uid.__entity ?? entity.uid);

function entitiesOf(test) {
  const schema = schemaOf(test.schema);
  const { entityTypes = {}, commonTypes = {} } = schema[''] ?? {};
  const listed = parseJson(readFileSync(join(root, test.entities), 'utf8')).map((entity) => ({ ...entity, attrs: escaped(entity.attrs, entityTypes[(entity.uid.__entity ?? entity.uid).type]?.shape, commonTypes) }));
  const known = new Set(listed.map(uidOf));
  return Entities.fromJson([...listed, ...actionsOf(schema).filter((action) => !known.has(uidOf(action)))]);
}

const same = (left, right) => JSON.stringify([...left].sort()) === JSON.stringify([...right].sort());

function compare(test, request, policies, entities) {
  const answer = authorize(policies, toEnvironment(request, entities));
  const errors = answer.errors.map(({ policy }) => policy);
  const wanted = request.decision.toLowerCase();
  if (answer.decision === wanted && same(answer.reasons, request.reason) && same(errors, request.errors)) return undefined;
  return `expected ${wanted}, reasons ${request.reason}, errors ${request.errors}; got ${answer.decision}, ${answer.reasons}, ${errors}`;
}

let passed = 0;
const failed = [];
const files = [...filesUnder(join(root, 'tests')), ...filesUnder(join(root, 'corpus-tests'))];
console.log(`> ${files.length} files`);
for (const file of files) {
  const test = parseJson(readFileSync(file, 'utf8'));
  let run;
  try {
    const [policies, entities] = [policiesOf(test.policies), entitiesOf(test)];
    run = (request) => compare(test, request, policies, entities);
  } catch (error) {
    run = () => error.message;
  }
  for (const request of test.requests) {
    let wrong;
    try {
      wrong = run(request);
    } catch (error) {
      wrong = error.message ?? String(error);
    }
    if (wrong === undefined) passed++;
    else failed.push(`${relative(root, file)}, ${request.description}: ${wrong}`);
  }
}
for (const failure of failed.slice(0, failuresShown)) console.log(failure);
console.log(`${passed} passed, ${failed.length} failed`);
process.exit(failed.length === 0 && passed > 0 ? 0 : 1);
