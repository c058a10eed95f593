import { describe, expect, test } from 'vitest';
import { toBase64 } from './base64.js';
import { consistencyProof } from './prove.js';
import { SmallLog, witnessKey } from './small-log.kit.js';
import { addCheckpoint, type PostAnswer } from './witness.js';

const log = new SmallLog(9);
const checkpoint = log.checkpoint();
const line = log.checkpoint([witnessKey()]).split('\n\n')[1] ?? '';
const request = { oldSize: 0n, proof: [], checkpoint };
const answering = (status: number, body = '', contentType = 'text/plain') => () => Promise.resolve<PostAnswer>({ status, contentType, body });

test('the body is the old size, the proof, an empty line and the checkpoint', async () => {
  const proof = await consistencyProof(log, 5n, 9n);
  let posted = '';
  await addCheckpoint((body) => {
    posted = body;
    return answering(200, line)();
  }, { oldSize: 5n, proof, checkpoint });
  expect(posted).toBe(`old 5\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint}`);
});

test('200 gives the lines, to be added to the note', async () => {
  expect(await addCheckpoint(answering(200, line + line), request)).toEqual({ kind: 'cosigned', lines: [line, line] });
});

test('409 gives the size that the witness has', async () => {
  expect(await addCheckpoint(answering(409, '7\n', 'text/x.tlog.size'), request)).toEqual({ kind: 'behind', size: 7n });
  expect(await addCheckpoint(answering(409, '0\n', 'Text/X.tlog.size; charset=utf-8'), { ...request, oldSize: 3n })).toEqual({ kind: 'behind', size: 0n });
});

test.each([[400, 'malformed'], [403, 'bad_signature'], [404, 'wrong_origin'], [422, 'bad_proof'], [429, 'unavailable'], [500, 'unavailable'], [201, 'unavailable'], [302, 'unavailable']])('%i means %s', async (status, code) => {
  await expect(addCheckpoint(answering(status, line), request)).rejects.toMatchObject({ code });
});

test('a witness that cannot be reached is unavailable, with the cause', async () => {
  const cause = new Error('refused');
  await expect(addCheckpoint(() => Promise.reject(cause), request)).rejects.toMatchObject({ code: 'unavailable', cause });
});

describe('attack: an answer that is none', () => {
  test.each([['no line', ''], ['text', 'ok\n'], ['a note', checkpoint], ['a line without its end', line.slice(0, -1)], ['much', line.repeat(101)]])('200 with %s is refused', async (_, body) => {
    await expect(addCheckpoint(answering(200, body), request)).rejects.toMatchObject({ name: 'TlogError' });
  });

  test.each([['another type', '7\n', 'text/plain'], ['no newline', '7'], ['a leading zero', '07\n'], ['two sizes', '7\n8\n'], ['nothing', '\n']])('409 with %s is refused', async (_, body, contentType = 'text/x.tlog.size') => {
    await expect(addCheckpoint(answering(409, body, contentType), request)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('a witness that refuses the size it says does not make its client ask for ever', async () => {
    await expect(addCheckpoint(answering(409, '0\n', 'text/x.tlog.size'), request)).rejects.toMatchObject({ code: 'conflict' });
  });
});

test('a request that no witness takes is not sent', async () => {
  const never = () => Promise.reject(new Error('sent'));
  await expect(addCheckpoint(never, { ...request, proof: Array.from({ length: 64 }, () => new Uint8Array(32)) })).rejects.toMatchObject({ code: 'too_large' });
  await expect(addCheckpoint(never, { ...request, checkpoint: 'text' })).rejects.toMatchObject({ code: 'malformed' });
  await expect(addCheckpoint(never, { ...request, oldSize: -1n })).rejects.toMatchObject({ code: 'out_of_range' });
});
