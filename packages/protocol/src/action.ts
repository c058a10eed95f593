export const tiers = ['inspect', 'recommend', 'act'] as const;
export type Tier = (typeof tiers)[number];

export const automationClasses = ['automatic', 'constrained', 'human'] as const;
export type AutomationClass = (typeof automationClasses)[number];

/** One operation as the catalogue has it. */
export interface Action {
  readonly name: string;
  readonly tier: Tier;
  readonly reversible: boolean;
  readonly automation: AutomationClass;
  readonly owner?: string;
  /** When the automation of this action expires, as an ISO date, and how it is revoked. */
  readonly expires?: string;
  readonly revocation?: string;
  /** Why it may run by itself: the explanation that an automatic action owes. */
  readonly reason?: string;
  /** Groups that policies may name: `action in Action::"production-change"`. */
  readonly groups: readonly string[];
  /** Labels of the data that it touches; the session knows them as soon as the action begins. */
  readonly reads: readonly string[];
  /** Labels of the data that it lets out of the organisation. */
  readonly releases: readonly string[];
  /** Budgets that it draws on: unit to the name of the numeric argument that says how much. */
  readonly spends: Readonly<Record<string, string>>;
  /** Which call this is: one tool of one upstream, or every one (`*`). */
  readonly match: { readonly upstream: string; readonly method: string; readonly name: string };
}
