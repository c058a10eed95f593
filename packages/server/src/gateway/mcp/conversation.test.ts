import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Conversation } from './conversation.js';
import type { Link, LinkListener } from './link.js';
import type { RequestId, RpcMessage, RpcRequest } from './message.js';

/** A connection in memory: what is sent is kept, what is said is the test's. */
function opened() {
  const sent: RpcMessage[] = [];
  const heard: { readonly message: RpcMessage; readonly during: RequestId | undefined }[] = [];
  let listener: LinkListener | undefined;
  const link: Link = { upstream: 'memory', send: (message) => Promise.resolve(void sent.push(message)), close: () => Promise.resolve() };
  const conversation = new Conversation(
    (given) => {
      listener = given;
      return link;
    },
    { hear: (message, during) => void heard.push({ message, during }) },
  );
  const say = (message: RpcMessage) => listener?.message(message);
  const requests = (): readonly RpcRequest[] => sent.filter((message) => message.kind === 'request');
  return { conversation, sent, requests, heard, say, lose: (why: string) => listener?.lost(why) };
}

const idOf = (message: RpcMessage | undefined): RequestId => (message?.kind === 'request' ? message.id : -1);
const ended = (promise: Promise<unknown>) => promise.then((value) => value, (error: { code: string }) => error.code);

describe('a conversation with one upstream', () => {
  test('law: ids of the client never reach the upstream, so two alike cannot meet', async () => {
    const { conversation, requests, say } = opened();
    const answers = [conversation.ask('tools/call', { n: 1 }, 5), conversation.ask('tools/call', { n: 2 }, 5), conversation.ask('tools/call', { n: 3 }, '5')];
    await wait(1);
    expect(new Set(requests().map(idOf)).size).toBe(3);
    [...requests()].reverse().forEach((request) => say({ kind: 'response', id: idOf(request), result: { of: request.params['n'] ?? null } }));
    expect((await Promise.all(answers)).map(({ result }) => result)).toEqual([{ of: 1 }, { of: 2 }, { of: 3 }]);
  });

  test.each([[null], ['1'], [2], [1.5], [-1]])('attack: an answer with the id %j is the answer to no other question', async (id) => {
    const { conversation, say } = opened();
    const answer = ended(conversation.ask('tools/call', {}, 5, AbortSignal.timeout(100)));
    await wait(1);
    say({ kind: 'response', id, result: { stolen: true } });
    expect(await answer).toBe('performed_unknown');
  });

  test('attack: an answer that comes twice counts once, and one that comes late not at all', async () => {
    const { conversation, requests, say } = opened();
    const answer = conversation.ask('tools/call', {}, 5);
    await wait(1);
    const id = idOf(requests()[0]);
    say({ kind: 'response', id, result: { n: 1 } });
    say({ kind: 'response', id, result: { n: 2 } });
    expect((await answer).result).toEqual({ n: 1 });
    say({ kind: 'response', id, result: { n: 3 } });
    expect(requests()).toHaveLength(1);
  });

  test('law: a question whose time is over is unknown, and the upstream is told once', async () => {
    const { conversation, sent } = opened();
    const answer = conversation.ask('tools/call', {}, 5, AbortSignal.timeout(20));
    expect(await ended(answer)).toBe('performed_unknown');
    expect(sent.filter((message) => message.kind === 'notification')).toMatchObject([{ method: 'notifications/cancelled', params: { requestId: 1 } }]);
  });

  test('law: a question that was cancelled before it was asked is not asked', async () => {
    const { conversation, requests } = opened();
    const result = await ended(conversation.ask('tools/call', {}, 5, AbortSignal.abort()));
    expect(['performed_failed', 'performed_unknown']).toContain(result);
    expect(requests()).toEqual([]);
  });

  test('law: a connection that is lost leaves what was asked unknown and what is asked next failed', async () => {
    const { conversation, requests, lose } = opened();
    const first = ended(conversation.ask('tools/call', {}, 5));
    await wait(1);
    lose('gone');
    expect(await first).toBe('performed_unknown');
    expect(await ended(conversation.ask('tools/call', {}, 6))).toBe('performed_failed');
    expect(requests()).toHaveLength(1);
    expect(conversation.isLost).toBe(true);
  });

  test('attack: a client answers a question of the upstream once, and only one that was asked', async () => {
    const { conversation, sent, heard, say } = opened();
    say({ kind: 'request', id: 9, method: 'elicitation/create', params: {} });
    const asked = idOf(heard[0]?.message);
    expect(asked).not.toBe(9);
    expect(await conversation.answer({ kind: 'response', id: 9, result: { action: 'accept' } }), 'the upstream\'s own id').toBe(false);
    expect(await conversation.answer({ kind: 'response', id: null, result: {} })).toBe(false);
    expect(await conversation.answer({ kind: 'response', id: asked, result: { action: 'accept' } })).toBe(true);
    expect(await conversation.answer({ kind: 'response', id: asked, result: { action: 'accept' } }), 'twice').toBe(false);
    expect(sent).toEqual([{ kind: 'response', id: 9, result: { action: 'accept' } }]);
  });
});
