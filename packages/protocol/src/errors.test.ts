import { expect, test } from 'vitest';
import { FlyballError } from './errors.js';

test('an answer that is an error says nothing of where it was made; a fault does', () => {
  const most = Error.stackTraceLimit;
  expect(new FlyballError('denied', 'policy does not allow this').stack).not.toContain('errors.test');
  expect(Error.stackTraceLimit).toBe(most);
  expect(new FlyballError('internal', 'an internal error occurred').stack).toContain('errors.test');
});
