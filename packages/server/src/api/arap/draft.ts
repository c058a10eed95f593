/**
 * The draft of the AuthZEN Access Request and Approval Profile that is followed here, as its own document names itself. The
 * profile moves; what it names stands here alone.
 */
export const arapDraft = { name: 'authzen-access-request-approval-profile-1_0', title: 'Draft 1' } as const;

export const capability = 'urn:openid:authzen:capability:access-request';

const problem = 'urn:openid:authzen:access-request:error:';

/** Problem types and their status (section Error Responses). */
export const problems = {
  not_requestable: 400,
  expired_denial: 410,
  invalid_denial_binding: 400,
  duplicate_request: 409,
  unknown_task: 404,
  task_expired: 410,
  invalid_task_state: 409,
} as const;
export type Problem = keyof typeof problems;

export const isProblem = (name: string | undefined): name is Problem => name !== undefined && Object.hasOwn(problems, name);
export const problemUri = (name: Problem): string => problem + name;

/** Paths below the address of the decision point; the profile leaves them open. */
export const paths = { requests: '/access/v1/requests', schemas: '/access/v1/request-schemas', catalogs: '/access/v1/request-catalogs' } as const;

/** Members of a context that are the profile's own, and decide nothing (section Terminology). */
export const machinery: readonly string[] = ['access_request', 'evaluation_id', 'evaluated_at', 'reason', 'approval'];

/** Members that a submission adds to the context. Evidence has no registered name, so it is named by a URN of ours. */
export const justificationMember = 'business_justification';
export const evidenceMember = 'urn:flyball:evidence';

/** The template of denials that a grant could lift. */
export const grantTemplate = 'grant';

/** What a submission says of a grant in `requested_access`, beside what has a registered name (section Naming Extensions). */
export const grantMembers = { grant: 'urn:flyball:grant', minutes: 'urn:flyball:minutes', rollback: 'urn:flyball:rollback' } as const;

/** The field whose values a catalogue has, as a JSON Pointer. */
export const grantField = `/requested_access/${grantMembers.grant}`;

/** What a task can be (section Task Status Values). */
export type TaskStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled' | 'failed' | 'partial';
export type ItemStatus = Exclude<TaskStatus, 'partial'>;

/** Why an evaluation that brought an approval was denied, and what to do then (section Completion Semantics). */
export const nextActions = {
  approval_expired: 'request',
  out_of_scope: 'request',
  grant_pending: 'retry',
  policy_denied: 'none',
  approval_unverifiable: 'none',
} as const;
export type ReevaluationReason = keyof typeof nextActions;
