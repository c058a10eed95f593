import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, readFrames, writeEvent } from './frames.js';

async function* chunks(parts: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(part);
}

/** The bytes cut at these places. */
function cut(text: string, places: readonly number[]): readonly Uint8Array[] {
  const bytes = Buffer.from(text);
  const at = [0, ...[...new Set(places.map((place) => place % (bytes.byteLength + 1)))].sort((a, b) => a - b), bytes.byteLength];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

async function read(parts: readonly Uint8Array[], type: string): Promise<readonly Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(chunks(parts), type)) frames.push(frame);
  return frames;
}

const places = fc.array(fc.nat(10_000), { maxLength: 12 });
const jsonText = fc.record({ jsonrpc: fc.constant('2.0'), id: fc.integer(), result: fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 3 }) }).map((value) => JSON.stringify(value));

describe('frames of an answer', () => {
  test.each(['\n', '\r\n', '\r'])('law: an event stream reads the same however it is cut, with line ends %j', async (end) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ data: jsonText, id: fc.stringMatching(/^[a-z0-9]{1,8}$/), event: fc.constant('message') }), { maxLength: 4 }), places, async (frames, where) => {
        const text = frames.map((frame) => writeEvent(frame).replaceAll('\n', end)).join('');
        expect(await read(cut(text, where), 'text/event-stream')).toEqual(frames);
      }),
      { numRuns: 300 },
    );
  });

  test('law: JSON, one text or one a line, reads the same however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(jsonText, { minLength: 1, maxLength: 4 }), places, fc.boolean(), async (texts, where, ended) => {
        const frames = await read(cut(`${texts.join('\n')}${ended ? '\n' : ''}`, where), 'application/json');
        expect(frames.map(({ data }) => data)).toEqual(texts);
      }),
      { numRuns: 300 },
    );
  });

  test('law: a JSON text of many lines is one frame, letter for letter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue().map((value) => JSON.stringify([value], null, 2)), places, async (text, where) => {
        expect(await read(cut(text, where), 'application/json; charset=utf-8')).toEqual([{ data: text }]);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['lines of one event', 'text/event-stream', 'data\n'],
    ['nameless lines of one event', 'text/event-stream', 'x\n'],
    ['ids of one event', 'text/event-stream', 'id: 1\n'],
    ['one line of an event', 'text/event-stream', 'data: xxxxxxxx'],
    ['one JSON text', 'application/json', '[[['],
    ['blanks around a JSON text', 'application/json', '  '],
  ])('abuse 60: %s without end is given up on', async (_what, type, piece) => {
    const chunk = Buffer.from(piece.repeat((1 << 20) / piece.length));
    let given = 0;
    async function* endless(): AsyncIterable<Uint8Array> {
      for (; given < 100; given++) yield await Promise.resolve(chunk);
    }
    const reading = (async () => {
      for await (const frame of readFrames(endless(), type)) if (frame.data === 'never') return;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'performed_unknown' });
    expect(given).toBeLessThan(40);
  });

  test('abuse 60: 300,000 short lines, and 4 MiB in packets of 1 KiB, are read in a moment', async () => {
    const pretty = `[\n${'1,\n'.repeat(300_000)}1]`;
    const lines = `${pretty.split('\n').map((line) => `data: ${line}`).join('\n')}\n\n`;
    const began = Date.now();
    expect(await read([Buffer.from(pretty)], 'application/json')).toHaveLength(1);
    expect(await read([Buffer.from(lines)], 'text/event-stream')).toHaveLength(1);
    const small = Buffer.from(`data: ${'x'.repeat(4 << 20)}\n\n`);
    expect(await read(Array.from({ length: 4_097 }, (_, i) => small.subarray(i * 1_024, (i + 1) * 1_024)), 'text/event-stream')).toHaveLength(1);
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  test.each([
    ['a comment', ': hello\n\n', []],
    ['an event without data', 'event: ping\n\n', [{ data: '', event: 'ping' }]],
    ['a field without a colon', 'data\n\n', [{ data: '' }]],
    ['one blank after the colon, no more', 'data:  two\n\n', [{ data: ' two' }]],
    ['an event that is not ended', 'data: lost', []],
    ['a byte order mark', '\ufeffdata: x\n\n', [{ data: 'x' }]],
  ])('law: %s is read as WHATWG HTML 9.2.6 says', async (_what, text, frames) => {
    expect(await read([Buffer.from(text)], 'text/event-stream')).toEqual(frames);
  });

  test('attack: text in an id or event name cannot begin a new field', () => {
    expect(writeEvent({ data: 'a\r\ndata: b\rid: 9' }).split('\n').filter((line) => line !== '' && !line.startsWith('data: '))).toEqual([]);
  });
});
