import { expect, test } from 'vitest';
import { Gate } from './gate.js';

const tick = () => new Promise((done) => setTimeout(done, 1));

test('law: never more than so many go on at once, everybody gets a turn, in order', async () => {
  const gate = new Gate(3, 100);
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  const work = (n: number) => async () => {
    most = Math.max(most, ++inside);
    order.push(n);
    await tick();
    inside--;
    if (n % 4 === 0) throw new Error('its own fault');
    return n;
  };
  const ends = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => gate.run(work(n))));
  expect(most).toBe(3);
  expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n));
  expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(13);
  expect(await gate.run(work(1))).toBe(1);
});

test('attack: whoever finds too many waiting is turned away, and nothing of theirs is done', async () => {
  const gate = new Gate(1, 2);
  let done = 0;
  const work = async () => {
    await tick();
    done++;
  };
  const ends = await Promise.allSettled(Array.from({ length: 10 }, () => gate.run(work)));
  expect(ends.filter((end) => end.status === 'rejected' && (end.reason as { code: string }).code === 'overloaded')).toHaveLength(7);
  expect(done).toBe(3);
});
