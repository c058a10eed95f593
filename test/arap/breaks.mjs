// The ways in which the reference is broken on purpose, so that every check is seen to fail. `wrong` leaves a guard of
// the reference out; `tamper` changes what is answered (or sent); `fails` names the checks that have to notice.

const json = (response, change) => {
  const value = structuredClone(response.json);
  const changed = change(value) ?? value;
  return { ...response, json: changed, text: JSON.stringify(changed) };
};

/** Changes the answers of some addresses. */
const answers = (where, change) => ({ response: (response) => (response.json !== undefined && where(response) ? json(response, change) : response) });
const isMetadata = ({ json: value }) => value.access_evaluation_endpoint !== undefined;
const isHint = ({ json: value }) => value.context?.access_request?.expires_at !== undefined;
const isTask = ({ json: value }) => value.task !== undefined;
const hint = (change) => answers(isHint, ({ context }) => void change(context.access_request, context));
const metadata = (change) => answers(isMetadata, (value) => void change(value));
const task = (change) => answers(isTask, (value) => void change(value.task, value));

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token with other claims; nobody signed it, but for what looks at claims alone that is enough. */
const reclaimed = (jws, change) => {
  const [head, body, signature] = jws.split('.');
  return [head, part({ ...JSON.parse(Buffer.from(body, 'base64url')), ...change }), signature].join('.');
};
const claims = (change) => hint((value) => void (value.binding_token = reclaimed(value.binding_token, change)));
const state = (change) => answers(({ json: value }) => value.result?.approval?.state !== undefined, ({ result }) => void (result.approval.state = reclaimed(result.approval.state, change)));

const without = (wrong, ...fails) => ({ name: `without the guard \`${wrong}\``, wrong: [wrong], fails });
const tampered = (name, tamper, ...fails) => ({ name, tamper, fails });

export const breaks = [
  tampered('the metadata name no endpoint', metadata((value) => void delete value.access_request_endpoint), 'D1'),
  tampered('the endpoint is plain http', metadata((value) => void (value.access_request_endpoint = value.access_request_endpoint.replace('https', 'http'))), 'D1'),
  tampered('the capability is not listed', metadata((value) => void (value.capabilities = [])), 'D2'),
  tampered('the endpoint is another', metadata((value) => void (value.access_request_endpoint += '/nowhere')), 'D6'),
  tampered('there are no keys', metadata((value) => void delete value.jwks_uri), 'D3', 'D5', 'C8'),
  tampered('the keys have no names', answers(({ json: value }) => value.keys !== undefined, ({ keys }) => keys.forEach((key) => delete key.kid)), 'D4'),
  tampered('the keys are private', answers(({ json: value }) => value.keys !== undefined, ({ keys }) => keys.forEach((key) => (key.d = 'x'))), 'D3'),
  tampered('the key is another', answers(({ json: value }) => value.keys !== undefined, ({ keys }) => keys.forEach((key) => (key.x = 'A'.repeat(43)))), 'D5', 'C8'),
  tampered('denials are permissions', answers(isHint, (value) => void (value.decision = true)), 'R1', 'T5', 'C5'),
  tampered('denials do not say until when', hint((value) => void delete value.expires_at), 'R2'),
  tampered('denials are over at once', hint((value) => void (value.expires_at = '2020-01-01T00:00:00Z')), 'R2'),
  tampered('denials cannot be bound to', hint((value, context) => (delete value.binding_token, delete context.evaluation_id)), 'R5'),
  tampered('addresses are plain http', hint((value) => void (value.request_schema_url = 'http://x.example/')), 'R7'),
  tampered('there are catalogues without a schema', hint((value) => void delete value.request_schema_url), 'R8'),
  tampered('denials have no reason', hint((_value, context) => void delete context.reason), 'R9'),
  tampered('denials have no id', hint((_value, context) => void delete context.evaluation_id), 'R9'),
  tampered('the schema is nowhere', hint((value) => void (value.request_schema_url += 's')), 'R10'),
  tampered('the token is for nobody', claims({ aud: undefined }), 'R11'),
  tampered('the token says nothing of itself', claims({ jti: undefined }), 'R12'),
  tampered('all tokens are one', claims({ jti: 'one' }), 'R12'),
  tampered('the token protects another end', claims({ denial_expires_at: '2020-01-01T00:00:00Z' }), 'R13'),
  tampered('the token protects no end, and lasts longer', claims({ denial_expires_at: undefined, exp: 9_999_999_999 }), 'R13'),
  tampered('the token does not name its context', claims({ binding_context_members: undefined }), 'R14'),
  tampered('the token binds no context', claims({ binding_context_members: [] }), 'R14'),
  tampered('the token is about something else', claims({ resource: { type: 'report', id: 'another' } }), 'R15'),
  tampered('the token\'s hash is of something else', claims({ binding_hash: 'abc' }), 'R15'),
  without('only requestable denials are marked', 'R3'),
  without('permissions are unmarked', 'R4'),
  without('ids differ', 'R6'),
  ...['token', 'ids'].flatMap((form, index) => [
    without(`${form}: subject`, `S${index + 1}.1`, `S${index + 1}.2`),
    without(`${form}: subject properties`, `S${index + 1}.2`),
    without(`${form}: resource`, `S${index + 1}.3`, `S${index + 1}.4`, `S${index + 1}.5`),
    without(`${form}: resource properties`, `S${index + 1}.5`),
    without(`${form}: action`, `S${index + 1}.6`, `S${index + 1}.7`),
    without(`${form}: action properties`, `S${index + 1}.7`),
    without(`${form}: context`, `S${index + 1}.8`, `S${index + 1}.9`),
  ]),
  without('a denial is needed', 'S3.1', 'S3.2'),
  without('ids: known', 'S3.3'),
  without('denial says until when', 'S3.4'),
  without('token: signature', 'S3.5', 'S3.7'),
  without('a bad token is bad', 'S3.6'),
  without('token: recipient', 'S3.7'),
  without('token: protected end', 'S3.8', 'S3.10'),
  without('token: end', 'S3.9', 'S3.11'),
  without('ids: end', 'S3.12'),
  without('ids: recorded end', 'S3.12'),
  without('only what is requestable is taken', 'S3.13'),
  without('allowed is requestable', 'S3.14'),
  without('unknown members are ignored', 'S5.1'),
  without('nothing approves itself', 'S5.2'),
  without('keys: same body', 'S6.1'),
  without('keys: same task', 'S6.2'),
  without('keys belong to callers', 'S6.3'),
  without('token: once', 'S6.4'),
  without('callers are known', 'A1', 'A2', 'T9'),
  without('tasks: caller', 'A3', 'T9'),
  without('cancel: caller', 'T9'),
  without('token: caller', 'A4'),
  without('actors are proved', 'A6'),
  without('actors: the whole chain', 'A6'),
  without('approvers are eligible', 'A7'),
  without('the record is kept', 'A9'),
  without('bulk: every item', 'B2'),
  without('items exclude resource and action', 'B4'),
  without('bundles add up', 'B5', 'B9'),
  without('task ids are unguessable', 'T2'),
  without('approval ids are unguessable', 'C2'),
  without('approvals have ids of their own', 'C2'),
  without('endings are endings', 'T7', 'T11'),
  without('cancel: works', 'T8', 'T11', 'B9'),
  without('cancel: state', 'T8', 'T10', 'B9'),
  without('tasks expire', 'T12'),
  without('problems have their type', 'T4', 'T13', 'S3.1'),
  without('approvals are verified', 'C4.1', 'C4.2', 'C4.3', 'C4.4', 'C4.5', 'C4.6', 'C4.7', 'C5', 'C6', 'C7', 'C9', 'C10', 'C11', 'C12', 'C13', 'B8'),
  without('approval: subject', 'C4.1'),
  without('approval: resource', 'C4.2', 'C4.4', 'B8'),
  without('approval: resource properties', 'C4.4'),
  without('approval: action', 'C4.6'),
  without('approval: action properties', 'C4.6'),
  without('approval: context', 'C4.7'),
  without('approval: caller', 'C10'),
  without('approval: end', 'C11'),
  without('approval: revoked', 'C12'),
  without('approval: policy', 'C13'),
  without('state: id', 'C6'),
  without('state: signature', 'C7', 'C9'),
  without('state: recipient', 'C9'),
  without('state: issuer', 'C9'),
  without('a new request brings what it needs', 'C15'),
  tampered('a state is for nobody', state({ aud: undefined }), 'C8'),
  tampered('an approval has no end', answers(({ json: value }) => value.result?.approval !== undefined, ({ result }) => void delete result.approval.approved_until), 'C1'),
  tampered('the mode is another', answers(({ json: value }) => value.result?.mode !== undefined, ({ result }) => void (result.mode = 'bearer')), 'C1'),
  without('callbacks: inside', 'N1'),
  without('callbacks: https', 'N2'),
  without('callbacks: allowed', 'N3'),
  without('callbacks: task', 'N4'),
  without('callbacks: signed', 'N5'),
  without('callbacks: state', 'N6'),
  tampered('catalogues are plain http', answers(({ json: value }) => value.fields !== undefined, ({ fields }) => Object.values(fields).forEach((one) => (one.endpoint = one.endpoint.replace('https', 'http')))), 'K1'),
  without('catalogues are for callers', 'K2'),
  without('catalogues have pages', 'K3'),
  without('catalogues hide', 'K4'),
  without('catalogue values are checked', 'K5', 'K8'),
  without('no catalogue value is good', 'K5'),
  without('catalogues: caller', 'K6'),
  without('catalogues: now', 'K7'),
  without('catalogue values: now', 'K7'),
  without('catalogues: one denial', 'K8'),
  without('catalogue values: one denial', 'K8'),
  tampered('a task has no address', task((value) => void delete value.status_endpoint), 'T1'),
  tampered('a task\'s address is plain http', task((value) => void (value.links = { cancel: 'http://x.example' })), 'T1'),
  tampered('every task is approved', task((value) => void (value.status = 'approved')), 'T3', 'T5', 'T6'),
  tampered('refused tasks have a result', task((value, whole) => void (whole.result ??= { mode: 'reevaluate', approval: { id: 'x' } })), 'T6'),
  tampered('approvers are named', task((value) => void (value.progress = { awaiting: ['ann-the-approver'] })), 'A8'),
  tampered('items have another order', task((value) => void value.items?.reverse()), 'B1'),
  tampered('a bundle has no statuses', task((value) => value.items?.forEach((item) => delete item.status)), 'B1'),
  tampered('a bundle is never one thing', task((value) => void (value.items && value.status !== 'pending' && (value.status = 'partial'))), 'B6', 'B9'),
  tampered('items have no results', task((value) => value.items?.forEach((item) => delete item.result)), 'B7'),
  tampered('every item has a result', task((value) => value.items?.forEach((item) => (item.result ??= { mode: 'reevaluate', approval: { id: 'x' } }))), 'B7'),
  tampered('an approval permits nothing', answers(({ json: value }) => value.decision === true, (value) => void (value.decision = false)), 'C3'),
  without('one bundle for all', 'B3'),
  without('numbers are numbers', 'S4.1'),
  without('only what decides binds', 'S4.2', 'C14'),
  without('actors may be left out', 'S4.3'),
  without('tokens are one caller\'s', 'A5'),
];


const isObliged = ({ json: value }) => value.context?.obligations !== undefined;
const obligation = (change) => answers(isObliged, ({ context }) => void change(context.obligations[0], context));

/** The same for the checks of the Obligations Profile. */
export const obligationBreaks = [
  tampered('the metadata name no obligations', metadata((value) => void delete value.supported_obligations), 'O1', 'O3'),
  tampered('the metadata name a type of nobody\'s', metadata((value) => void value.supported_obligations.push('homework')), 'O1'),
  tampered('obligations have no properties', obligation((one) => void delete one.properties), 'O2'),
  tampered('obligations share an id', obligation((one, context) => void context.obligations.push({ ...one })), 'O2'),
  tampered('obligations are of another type', obligation((one) => void (one.type = 'step-up')), 'O3'),
  tampered('a notification goes nowhere', obligation((one) => void delete one.properties.to), 'O4'),
  without('unknown obligations are ignored', 'O5'),
  tampered('obligations are left out', answers(isObliged, ({ context }) => void delete context.obligations), 'O2', 'O6'),
  tampered('an empty list is told', answers(({ json: value }) => value.decision === true && !value.context?.obligations, (value) => void (value.context = { ...value.context, obligations: [] })), 'O7'),
];
