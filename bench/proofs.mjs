// Inclusion proofs in trees of many sizes, over tiles in memory.
import { append, emptyEdge, inclusionProof, leafHash, tilePath, verifyInclusion } from '@flyball/tlog';
import { nowMs, percentile, round } from './support.mjs';

const batch = 65_536;
const proofs = 2_000;

/** Hash tiles in memory, the widest of each; counts what is read. */
class MemoryTiles {
  #tiles = new Map();
  reads = 0;

  keep({ tile, hashes }) {
    this.#tiles.set(tilePath({ ...tile, width: 256 }), hashes);
  }

  readTile(tile) {
    this.reads++;
    return Promise.resolve(this.#tiles.get(tilePath({ ...tile, width: 256 })).subarray(0, tile.width * 32));
  }
}

const leafOf = (index) => leafHash(`entry ${index}`);

/** One tree that grows through all sizes; figures of proofs at each. */
export async function measureGrowth(sizes) {
  const tiles = new MemoryTiles();
  const rows = [];
  let edge = emptyEdge;
  for (const size of sizes) {
    while (Number(edge.size) < size) {
      const first = Number(edge.size);
      const grown = append(edge, Array.from({ length: Math.min(batch, size - first) }, (_, index) => leafOf(first + index)));
      grown.tiles.forEach((tile) => tiles.keep(tile));
      edge = grown.edge;
    }
    rows.push(await measureProofs(tiles, edge));
  }
  return rows;
}

async function measureProofs(tiles, edge) {
  const [made, checked] = [[], []];
  const root = edge.root();
  let hashes = 0;
  tiles.reads = 0;
  for (let turn = 0; turn < proofs; turn++) {
    const index = BigInt(Math.floor(Math.random() * Number(edge.size)));
    const from = nowMs();
    const proof = await inclusionProof(tiles, index, edge.size);
    const between = nowMs();
    verifyInclusion({ index, size: edge.size, leafHash: leafOf(index), root, proof });
    checked.push((nowMs() - between) * 1_000);
    made.push((between - from) * 1_000);
    hashes = Math.max(hashes, proof.length);
  }
  return { leaves: Number(edge.size), proofUs: round(percentile(made, 50)), verifyUs: round(percentile(checked, 50)), hashes, tiles: round(tiles.reads / proofs, 1) };
}
