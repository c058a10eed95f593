import { FlyballError, type JsonObject, type Principal } from '@flyball/protocol';
import type { Reached, Stages } from '../../action/stages.js';
import type { Identified, Presented, Received, Situated } from '../../action/states.js';
import type { TaskBook } from './task-book.js';
import type { ToolBook } from './tool-book.js';
import type { Waiting } from './waiting.js';

/** What the MCP gateway asks of the rest of the house. It decides nothing itself. */
export interface GatewayPort {
  readonly tenant: string;
  readonly stages: Stages;
  readonly tools: ToolBook;
  readonly tasks: TaskBook;
  readonly waiting: Waiting;
  couldAllow(situated: Situated): boolean;
  /** An id for the next attempt, from the store's clock. */
  newId(): string;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: JsonObject): void;
}

export interface Caller {
  readonly presented: Presented;
  readonly sessionHandle?: string;
  readonly address: string;
  readonly gateway: string;
}

/** An attempt as it comes in, before anything is known of it. */
export function received(port: GatewayPort, caller: Caller, call: Received['call'], timeoutMs: number): Received {
  const now = port.stages.clock.now();
  return {
    id: port.newId(),
    tenant: port.tenant,
    receivedAtMs: now,
    deadlineMs: now + timeoutMs,
    presented: caller.presented,
    ...(caller.sessionHandle !== undefined && { sessionHandle: caller.sessionHandle }),
    call,
    origin: { gateway: caller.gateway, address: caller.address },
  };
}

/**
 * Who calls, before anything else is looked at. Whoever is refused is refused in the record too.
 *
 * @param verify what else must be so of who calls; throws otherwise
 */
export async function identified(port: Pick<GatewayPort, 'stages'>, attempt: Received, verify: (principal: Principal) => void = () => undefined): Promise<Identified> {
  let reached: Reached = attempt;
  try {
    const known = await port.stages.identify(attempt);
    reached = known;
    verify(known.principal);
    return known;
  } catch (error) {
    if (error instanceof FlyballError) await port.stages.record.refusal(reached, error);
    throw error;
  }
}

/** What an attempt needs before it can be decided. When it cannot be had, the attempt is refused, and the refusal is in the record. */
export async function recorded<T>(port: GatewayPort, attempt: () => Received, needed: Promise<T>): Promise<T> {
  try {
    return await needed;
  } catch (error) {
    const reached = attempt();
    if (error instanceof FlyballError) await port.stages.record.refusal(await port.stages.identify(reached).catch(() => reached), error);
    throw error;
  }
}
