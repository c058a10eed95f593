import type { Json } from '@flyball/protocol';

/** What an answer or a question is supported by: a ticket, a plan to go back, an invoice. */
export interface Evidence {
  readonly kind: string;
  readonly value: Json;
}

export type Verified =
  /** `source` is who was asked whether it is so; without one, only its form was looked at. */
  | { readonly ok: true; readonly source?: string }
  | { readonly ok: false; readonly why: string };

/** Says whether evidence of a kind is what it should be. */
export interface EvidenceKinds {
  verify(kind: string, value: Json): Promise<Verified>;
}
