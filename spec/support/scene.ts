import { randomUUID } from 'node:crypto';
import type Consul from 'consul';
import './native-errors.ts';
import { expect } from '@jest/globals';
import { EphemeralLock, type LockOptions } from '../../lib/index.ts';
import { clientFor } from './client.ts';
import { consulRequest, type ConsulRequestOptions } from './consul-server/consul-request.ts';
import { until } from './consul-server/until.ts';
import { justUsed } from './just-used.ts';

export interface SceneKey {
  readonly Key: string;
  /** In base64. */
  readonly Value: string | null;
  readonly Session?: string;
  readonly ModifyIndex: number;
}

export interface SceneOptions {
  /** What locks go through, in place of the server's own address. */
  readonly via?: string;
  /** For looking at Consul; locks do not get it. */
  readonly managementToken?: string;
}

const PREFIX = 'locks/ephemeral/';

/**
 * What one spec works with: keys and sessions that nobody else has, and a look at Consul that goes round the client
 * under test and round whatever stands between that and the server.
 */
export class Scene {
  readonly name: string = `spec-${randomUUID()}`;
  /** What locks go through. */
  readonly via: string;
  readonly #address: string;
  readonly #managementToken: string | undefined;
  readonly #clients: Consul[] = [];

  constructor(address: string, { via = address, managementToken }: SceneOptions = {}) {
    this.#address = address;
    this.via = via;
    this.#managementToken = managementToken;
  }

  key(name = 'key'): string {
    return `${this.name}/${name}`;
  }

  fullKey(name = 'key'): string {
    return PREFIX + this.key(name);
  }

  /** A client with connections of its own. */
  client(): Consul {
    const client = clientFor(this.via);
    this.#clients.push(client);
    return client;
  }

  /** The options of every lock here, in a form that can be sent to another process. */
  get plainOptions(): LockOptions {
    return { sessionName: this.name, minLockTimeoutMs: 100 };
  }

  /**
   * A contender of its own: a lock with a client that nobody else uses, in a program that has just used one like it, so that
   * sessions are kept.
   */
  lock(options: LockOptions = {}, names: string | readonly string[] = 'key'): EphemeralLock {
    const all = { consulClient: this.client(), ...this.plainOptions, ...options };
    return new EphemeralLock(this.#named(names), justUsed(all));
  }

  /** The same in a program that seldom uses one. */
  rareLock(options: LockOptions = {}, names: string | readonly string[] = 'key'): EphemeralLock {
    return new EphemeralLock(this.#named(names), {
      consulClient: this.client(),
      ...this.plainOptions,
      ...options,
    });
  }

  #named(names: string | readonly string[]): string | string[] {
    return typeof names === 'string' ? this.key(names) : names.map((name) => this.key(name));
  }

  /** All keys of this scene. */
  async keys(): Promise<SceneKey[]> {
    const { status, text } = await this.ask(`/v1/kv/${PREFIX}${this.name}/?recurse&consistent`);
    return status === 404 ? [] : (JSON.parse(text) as SceneKey[]);
  }

  async entry(name = 'key'): Promise<SceneKey | undefined> {
    return (await this.keys()).find(({ Key }) => Key === this.fullKey(name));
  }

  /** The ids of all sessions of this scene. */
  async sessions(): Promise<string[]> {
    const { text } = await this.ask('/v1/session/list?consistent');
    const sessions = JSON.parse(text) as { readonly ID: string; readonly Name: string }[];
    return sessions.filter(({ Name }) => Name === this.name).map(({ ID }) => ID);
  }

  async left(): Promise<{ keys: string[]; sessions: string[] }> {
    const [keys, sessions] = await Promise.all([this.keys(), this.sessions()]);
    return { keys: keys.map(({ Key }) => Key), sessions };
  }

  async destroySession(id: string): Promise<void> {
    await this.ask(`/v1/session/destroy/${id}`, { method: 'PUT' });
  }

  /** One request of an outsider. */
  async ask(path: string, options: ConsulRequestOptions = {}): Promise<{ status: number; text: string }> {
    const answer = await consulRequest(this.#address, path, {
      token: this.#managementToken,
      timeoutMs: 10_000,
      ...options,
    });
    if (answer.status !== 200 && answer.status !== 404) {
      throw new Error(`${path}: ${answer.status} ${answer.text}`);
    }
    return answer;
  }

  /** Rejects when a key or a session of this scene is still there after `withinMs`. */
  async nothingLeft(withinMs = 3_000): Promise<void> {
    let left = { keys: [''], sessions: [''] };
    await until(
      async () => {
        left = await this.left();
        return left.keys.length === 0 && left.sessions.length === 0;
      },
      { timeoutMs: withinMs, describe: () => `left behind in Consul: ${JSON.stringify(left)}` },
    );
  }

  /** The end of a spec: nothing is left in Consul, and no connection open. */
  async end(withinMs?: number): Promise<void> {
    try {
      await this.nothingLeft(withinMs);
    } finally {
      for (const client of this.#clients) client.destroy();
    }
  }
}

/** Every scene of a file: what they leave behind is waited for side by side, and told under the title of its spec. */
export class Scenes {
  readonly #scenes: { readonly title: string; readonly scene: Scene }[] = [];

  open(...terms: ConstructorParameters<typeof Scene>): Scene {
    const scene = new Scene(...terms);
    this.#scenes.push({ title: expect.getState().currentTestName ?? '', scene });
    return scene;
  }

  /** Rejects when anything is left of any of them after `withinMs`. */
  async end(withinMs?: number): Promise<void> {
    const failures = await Promise.all(
      this.#scenes.map(async ({ title, scene }) => {
        try {
          await scene.end(withinMs);
          return [];
        } catch (error) {
          return [`${title}: ${(error as Error).message}`];
        }
      }),
    );
    if (failures.flat().length > 0) throw new Error(failures.flat().join('\n'));
  }
}
