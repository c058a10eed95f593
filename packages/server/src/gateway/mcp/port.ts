import { FlyballError, type JsonObject } from '@flyball/protocol';
import type { Stages } from '../../action/stages.js';
import type { Presented, Received, Situated } from '../../action/states.js';
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
