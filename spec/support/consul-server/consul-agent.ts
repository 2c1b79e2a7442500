import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentConfig, type AgentDescription, type AgentPorts } from './agent-config.ts';
import { consulVersion, type ConsulVersion } from './consul-binary.ts';
import { knowsLeader, nodeIsHealthy } from './consul-readiness.ts';
import { consulRequest } from './consul-request.ts';
import { freePorts } from './free-ports.ts';
import { isStopped } from './process-state.ts';
import { spawnTethered } from './tethered-process.ts';
import { until } from './until.ts';

export interface ConsulAgentOptions {
  readonly binary: string;
  /**
   * `dev` keeps its data in memory and forgets it at a restart, `server` keeps it in a folder, `client`
   * holds none and passes requests on to the servers that it joins.
   *
   * @default 'dev'
   */
  readonly mode?: 'dev' | 'server' | 'client';
  /** Agents of the datacenter to be joined. */
  readonly join?: readonly ConsulAgent[];
  /** How many servers the datacenter waits for, in mode `server`. @default 1 */
  readonly bootstrapExpect?: number;
  /** @default '127.0.0.1' */
  readonly bindAddress?: string;
  /** @default '100ms' */
  readonly sessionTtlMin?: string;
  /** Switches ACLs on, with `default_policy` deny, and makes this the token that may do everything. */
  readonly managementToken?: string;
  /** More configuration, in Consul's own words; wins over ours. */
  readonly config?: Record<string, unknown>;
  /** @default 20_000 */
  readonly readyWithinMs?: number;
}

const ATTEMPTS = 5;

/** A process of `consul agent` on free loopback ports, in a temporary folder that ends with it. */
export class ConsulAgent implements AsyncDisposable {
  readonly node = `spec-${randomUUID().slice(0, 8)}`;
  readonly managementToken: string | undefined;
  readonly #description: AgentDescription;
  readonly #options: ConsulAgentOptions;
  readonly #version: ConsulVersion;
  readonly #folder: string;
  #ports: AgentPorts = { http: 0, server: 0, serfLan: 0 };
  #child: ChildProcess | undefined;
  #lastOutput = '';

  private constructor(options: ConsulAgentOptions, version: ConsulVersion, folder: string) {
    this.#options = options;
    this.#version = version;
    this.#folder = folder;
    this.managementToken = options.managementToken;
    this.#description = {
      mode: options.mode ?? 'dev',
      node: this.node,
      bindAddress: options.bindAddress ?? '127.0.0.1',
      sessionTtlMin: options.sessionTtlMin ?? '100ms',
      bootstrapExpect: options.bootstrapExpect ?? 1,
      join: (options.join ?? []).map((agent) => `${agent.host}:${agent.#ports.serfLan}`),
      managementToken: options.managementToken,
    };
  }

  /** Resolves when the agent is ready for use. */
  static async start(options: ConsulAgentOptions): Promise<ConsulAgent> {
    const agent = await ConsulAgent.launch(options);
    try {
      await agent.ready();
    } catch (error) {
      await agent.stop();
      throw error;
    }
    return agent;
  }

  /** Resolves as soon as the agent listens: it may still wait for others of its datacenter. */
  static async launch(options: ConsulAgentOptions): Promise<ConsulAgent> {
    const version = await consulVersion(options.binary);
    const folder = await mkdtemp(join(tmpdir(), 'consul-lock-agent-'));
    const agent = new ConsulAgent(options, version, folder);
    try {
      for (let attempt = 1; ; attempt += 1) {
        const [http, server, serfLan] = await freePorts(3, agent.host);
        agent.#ports = { http: http!, server: server!, serfLan: serfLan! };
        if (await agent.#spawn()) return agent;
        if (attempt === ATTEMPTS || !agent.#lostItsPorts()) throw agent.#failure('ended at its start');
      }
    } catch (error) {
      await agent.stop();
      throw error;
    }
  }

  get host(): string {
    return this.#description.bindAddress;
  }

  get port(): number {
    return this.#ports.http;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get httpUrl(): string {
    return `http://${this.address}`;
  }

  get pid(): number {
    if (!this.isRunning) throw this.#failure('does not run');
    return this.#child!.pid!;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when sessions can be created here, also such with Consul's default checks. */
  async ready(): Promise<void> {
    try {
      await until(async () => await this.#isReady(), { timeoutMs: this.#options.readyWithinMs ?? 20_000 });
    } catch (error) {
      throw this.#failure('is not ready', error);
    }
  }

  /** Stops the process as SIGSTOP does; resolves when none of its threads runs any more. */
  async freeze(): Promise<void> {
    const { pid } = this;
    process.kill(pid, 'SIGSTOP');
    await until(() => isStopped(pid), { timeoutMs: 5_000, intervalMs: 1 });
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Resolves when the process has ended. With SIGTERM a client agent leaves its datacenter first. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.isRunning) return;
    const child = this.#child!;
    child.ref();
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** Ends the process if it runs, and starts it on the same ports and the same data. */
  async restart(): Promise<void> {
    await this.kill();
    if (!(await this.#spawn())) throw this.#failure('ended at its restart');
    await this.ready();
  }

  async stop(): Promise<void> {
    await this.kill();
    this.#lastOutput = this.log();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** The last lines that the agent wrote. */
  log(lines = 40): string {
    const output = existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : this.#lastOutput;
    return output.trimEnd().split('\n').slice(-lines).join('\n');
  }

  get #logFile(): string {
    return join(this.#folder, 'agent.log');
  }

  async #spawn(): Promise<boolean> {
    const [own, extra] = [join(this.#folder, 'agent.json'), join(this.#folder, 'extra.json')];
    const config = agentConfig(this.#description, this.#ports, join(this.#folder, 'data'), this.#version);
    await writeFile(own, JSON.stringify(config));
    await writeFile(extra, JSON.stringify(this.#options.config ?? {}));
    const dev = this.#description.mode === 'dev' ? ['-dev'] : [];
    const output = openSync(this.#logFile, 'w');
    try {
      const args = ['agent', ...dev, '-config-file', own, '-config-file', extra];
      this.#child = await spawnTethered(this.#options.binary, args, output);
    } finally {
      closeSync(output);
    }
    await until(async () => !this.isRunning || (await this.#answers()), { timeoutMs: 20_000 });
    return this.isRunning;
  }

  async #answers(): Promise<boolean> {
    return await consulRequest(this.address, '/v1/status/leader').then(
      () => true,
      () => false,
    );
  }

  async #isReady(): Promise<boolean> {
    if (!this.isRunning) throw new Error('the process has ended');
    try {
      if (!(await knowsLeader(this.address))) return false;
      return await nodeIsHealthy(this.address, this.node, { token: this.managementToken, timeoutMs: 10_000 });
    } catch {
      return false;
    }
  }

  #lostItsPorts(): boolean {
    return /address already in use/i.test(this.log());
  }

  #failure(what: string, cause?: unknown): Error {
    return new Error(`Consul agent ${this.node} ${what}; its last words:\n${this.log()}`, { cause });
  }
}
