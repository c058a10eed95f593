import { type Checkpoint, openCheckpoint, parseCheckpoint } from './checkpoint.js';
import { type Cosignature, openCosigned } from './cosignature.js';
import { parseNote } from './note.js';
import { meetsQuorum, type Policy } from './policy.js';
import { type Proof, parseProof } from './proof-file.js';
import { TlogError } from './tlog-error.js';
import { verifyInclusion } from './verify-tree.js';

export interface VerifiedProof {
  /** All but its extra data is proved. */
  readonly proof: Proof;
  readonly checkpoint: Checkpoint;
  /** Of the policy's witnesses. */
  readonly cosignatures: readonly Cosignature[];
}

/**
 * That a leaf is in a log of the policy, and seen by its witnesses (tlog-proof, Verifying a tlog proof): errors of
 * `parseProof` and of `openCheckpoint`; `unknown_key` when the quorum is not met; `bad_proof` when the leaf is not there.
 */
export function verifyProof(file: Uint8Array | string, leafHash: Uint8Array, policy: Policy): VerifiedProof {
  const proof = parseProof(file);
  const { origin } = parseCheckpoint(parseNote(proof.checkpoint).text);
  // A log's key name is its origin (tlog-policy, Defining a log): a key vouches for no other log.
  const keys = policy.logs.flatMap(({ verifier }) => (verifier?.name === origin ? [verifier] : []));
  const checkpoint = openCheckpoint(proof.checkpoint, origin, keys);
  const cosignatures = openCosigned(proof.checkpoint, policy.witnesses.flatMap(({ verifier }) => verifier ?? []));
  if (!meetsQuorum(policy, cosignatures)) throw new TlogError('unknown_key', 'expected cosignatures that meet the quorum');
  verifyInclusion({ index: proof.index, size: checkpoint.size, leafHash, root: checkpoint.root, proof: proof.proof });
  return { proof, checkpoint: { origin, size: checkpoint.size, root: checkpoint.root, extensions: checkpoint.extensions }, cosignatures };
}
