/**
 * OpenID AuthZEN Authorization API 1.0 (final, January 2026) and the AuthZEN Profile for Obligations 1.0, Draft 1
 * (July 2026). The profile moves; what the two name stands here alone.
 */
export const specifications = { api: 'authorization-api-1_0', obligations: 'authzen-obligations-profile-1_0, draft 1' } as const;

/** Default paths (API 1.0, section 10.1, table 1); those without a name in the metadata are ours. */
export const paths = {
  evaluation: '/access/v1/evaluation',
  evaluations: '/access/v1/evaluations',
  searchSubject: '/access/v1/search/subject',
  searchResource: '/access/v1/search/resource',
  searchAction: '/access/v1/search/action',
  outcomes: '/access/v1/outcomes',
  metadata: '/.well-known/authzen-configuration',
  keys: '/.well-known/authzen-keys',
} as const;

/** Evaluations semantics (API 1.0, section 7.1.2.1). */
export const semantics = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;
export type Semantic = (typeof semantics)[number];

/** The one type of obligation that is issued here: what a `modify` asks of who carries the action out (Obligations Profile, section 5.4). */
export const obligationType = 'custom';
export const obligationVendor = 'flyball';

/** The header by which requests are told apart (API 1.0, section 10.1.3). */
export const requestIdHeader = 'x-request-id';
