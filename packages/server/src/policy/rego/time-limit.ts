import { createContext, Script } from 'node:vm';

const call = new Script('run()');
const context: { run: () => void } = { run: () => undefined };
createContext(context);

/**
 * Runs something to its end, or throws after so many milliseconds: also out of a loop inside WebAssembly, which
 * no signal or promise could end. Costs about a tenth of a millisecond. What was interrupted may be in any state.
 */
export function inTime<T>(ms: number, run: () => T): T {
  const results: T[] = [];
  context.run = () => void results.push(run());
  try {
    call.runInContext(context, { timeout: ms });
  } catch (cause) {
    throw isTimeOut(cause) ? new Error(`expected an answer within ${ms} ms`, { cause }) : cause;
  } finally {
    context.run = () => undefined;
  }
  const [result] = results;
  return result as T;
}

/** By its code: it is an error of the context's own kind, not of ours. */
const isTimeOut = (cause: unknown): boolean => (cause as { readonly code?: unknown } | null | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
