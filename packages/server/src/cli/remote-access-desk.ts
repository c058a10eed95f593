import type { JsonObject } from '@flyball/protocol';
import type { AccessDesk } from '../api/access-requests.js';
import type { Ask } from './remote-waiting-desk.js';

/** Requests for access and grants, at a server that is running. Who asks is whom the token names. */
export class RemoteAccessDesk implements AccessDesk {
  constructor(private readonly ask: Ask) {}

  request = (wish: Parameters<AccessDesk['request']>[0]) => this.ask('POST', '/v1/access-requests', wish) as Promise<JsonObject>;
  simulate = (wish: Parameters<AccessDesk['simulate']>[0]) => this.ask('POST', '/v1/access-requests/simulate', wish) as Promise<JsonObject>;
  grants = () => this.ask('GET', '/v1/grants') as ReturnType<AccessDesk['grants']>;
  endGrant = (id: string, _asking: unknown, status: string) => this.ask('DELETE', `/v1/grants/${encodeURIComponent(id)}?as=${status}`) as Promise<JsonObject>;
}
