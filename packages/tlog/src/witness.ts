import { formatHash } from './checkpoint.js';
import { checkNumber, parseDecimal } from './decimal.js';
import { boundedText } from './lines.js';
import { formatSignature, parseNote, parseSignatures } from './note.js';
import { TlogError, type TlogErrorCode } from './tlog-error.js';

/** Most hashes that a proof can have, and that a witness takes. */
export const proofHashesMax = 63;

export interface PostAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Posts a body to a witness's `add-checkpoint`. */
export type Post = (body: string) => Promise<PostAnswer>;

export interface WitnessRequest {
  /** Size of the last checkpoint that the witness cosigned; 0 when that is unknown. */
  readonly oldSize: bigint;
  /** Consistency proof from it; empty from size 0. */
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
}

/** `cosigned`: lines to add to the note, each with its newline, unverified. `behind`: the size to prove consistency from. */
export type WitnessAnswer = { readonly kind: 'cosigned'; readonly lines: readonly string[] } | { readonly kind: 'behind'; readonly size: bigint };

/**
 * Asks a witness to cosign a checkpoint (tlog-witness, add-checkpoint). Verify the lines with `openCosigned` before use.
 * Errors: `malformed` (400, or an answer that is not one), `bad_signature` (403), `wrong_origin` (404: the witness does
 * not know the log), `bad_proof` (422), `conflict` (409 with the size that was sent), `unavailable` (no answer, or another status).
 */
export async function addCheckpoint(post: Post, { oldSize, proof, checkpoint }: WitnessRequest): Promise<WitnessAnswer> {
  checkNumber(oldSize);
  parseNote(checkpoint);
  if (proof.length > proofHashesMax) throw new TlogError('too_large', `expected at most ${proofHashesMax} hashes`);
  const lines = proof.map((hash) => `${formatHash(hash)}\n`).join('');
  const { status, contentType, body } = await answered(post, `old ${oldSize}\n${lines}\n${checkpoint}`);
  const refusal = refusals.get(status);
  if (refusal) throw new TlogError(refusal[0], refusal[1]);
  if (status === 409) return behind(contentType, body, oldSize);
  if (status !== 200) throw new TlogError('unavailable', `expected a witness to answer 200, not ${status}`);
  return { kind: 'cosigned', lines: parseSignatures(boundedText(body)).map(formatSignature) };
}

const refusals: ReadonlyMap<number, readonly [TlogErrorCode, string]> = new Map([
  [400, ['malformed', 'expected a request that the witness can read, with an old size of at most the checkpoint\'s']],
  [403, ['bad_signature', 'expected a checkpoint signed by a key that the witness trusts for the log']],
  [404, ['wrong_origin', 'expected a log that the witness knows']],
  [422, ['bad_proof', 'expected a checkpoint that is consistent with the last one the witness cosigned']],
]);

function behind(contentType: string, body: string, oldSize: bigint): WitnessAnswer {
  if (contentType.split(';')[0]?.trim().toLowerCase() !== 'text/x.tlog.size' || !body.endsWith('\n')) throw new TlogError('malformed', 'expected a witness to say its size');
  const size = parseDecimal(body.slice(0, -1));
  // Whoever tried again with this size would never end.
  if (size === oldSize) throw new TlogError('conflict', 'expected a witness that accepts the size it says');
  return { kind: 'behind', size };
}

async function answered(post: Post, body: string): Promise<PostAnswer> {
  try {
    return await post(body);
  } catch (cause) {
    throw cause instanceof TlogError ? cause : new TlogError('unavailable', 'expected an answer of the witness', { cause });
  }
}
