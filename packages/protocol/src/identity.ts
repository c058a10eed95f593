export const identityKinds = ['service-account', 'workload', 'pipeline', 'agent', 'vendor'] as const;
export type IdentityKind = (typeof identityKinds)[number];

export const autonomies = ['scripted', 'autonomous'] as const;
export type Autonomy = (typeof autonomies)[number];

export const identityStatuses = ['active', 'suspended', 'retired'] as const;
export type IdentityStatus = (typeof identityStatuses)[number];

/** A registered non-human identity. */
export interface Identity {
  readonly id: string;
  readonly kind: IdentityKind;
  readonly autonomy: Autonomy;
  readonly owner: string;
  readonly purpose: string;
  readonly capabilities: readonly string[];
  readonly groups: readonly string[];
  readonly status: IdentityStatus;
  /** Milliseconds since 1970; after it the identity is refused. */
  readonly expiresAtMs?: number;
  /** What authenticates as this identity: `issuer|subject` of a token, or a SPIFFE id. */
  readonly subjects: readonly string[];
}

/** An authenticated caller at one moment. */
export interface Principal {
  readonly tenant: string;
  readonly identity: Identity;
  /** The human for whom the identity acts, from the token's claims. */
  readonly onBehalfOf?: string;
  /** Who carried the token here, nearest first: the `act` chain of RFC 8693, section 4.1. */
  readonly chain: readonly string[];
  readonly method: 'oidc' | 'spiffe' | 'local' | 'stdio' | 'vouched';
  /** When the proof of identity ends, in milliseconds since 1970. */
  readonly expiresAtMs: number;
}
