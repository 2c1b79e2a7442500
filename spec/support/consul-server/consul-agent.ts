import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentConfig, LOOPBACK, type AgentPorts, type ConsulAgentOptions } from './agent-config.ts';
import { consulVersion, type ConsulVersion } from './consul-binary.ts';
import { knowsLeader, nodeIsHealthy, servesNode } from './consul-readiness.ts';
import { freePorts } from './free-ports.ts';
import { isStopped } from './process-state.ts';
import { createTemporaryFolder, removeTemporaryFolder } from './temporary-folder.ts';
import { spawnTethered } from './tethered-process.ts';
import { until } from './until.ts';

export type { ConsulAgentOptions };

const ATTEMPTS = 5;

/** A process of `consul agent` on free loopback ports, in a temporary folder that ends with it. */
export class ConsulAgent implements AsyncDisposable {
  readonly node = `spec-${randomUUID().slice(0, 8)}`;
  readonly #options: ConsulAgentOptions;
  readonly #version: ConsulVersion;
  readonly folder: string;
  #ports: AgentPorts = { http: 0, server: 0, serfLan: 0 };
  #child: ChildProcess | undefined;
  #lastOutput = '';

  private constructor(options: ConsulAgentOptions, version: ConsulVersion, folder: string) {
    this.#options = options;
    this.#version = version;
    this.folder = folder;
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
    const agent = new ConsulAgent(options, version, await createTemporaryFolder());
    const { choosePorts = freePorts } = options;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const [http, server, serfLan] = await choosePorts(3, agent.host);
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
    return this.#options.bindAddress ?? LOOPBACK;
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

  /** Where other agents find this one, to join its datacenter. */
  get serfAddress(): string {
    return `${this.host}:${this.#ports.serfLan}`;
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
    await removeTemporaryFolder(this.folder);
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
    return join(this.folder, 'agent.log');
  }

  async #spawn(): Promise<boolean> {
    const [own, extra] = [join(this.folder, 'agent.json'), join(this.folder, 'extra.json')];
    const config = agentConfig(
      this.node,
      this.#options,
      this.#ports,
      join(this.folder, 'data'),
      this.#version,
    );
    await writeFile(own, JSON.stringify(config));
    await writeFile(extra, JSON.stringify(this.#options.config ?? {}));
    const dev = (this.#options.mode ?? 'dev') === 'dev' ? ['-dev'] : [];
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
    return await servesNode(this.address, this.node, { token: this.#options.managementToken }).catch(
      () => false,
    );
  }

  async #isReady(): Promise<boolean> {
    if (!this.isRunning) throw new Error('the process has ended');
    try {
      if (!(await knowsLeader(this.address))) return false;
      return await nodeIsHealthy(this.address, this.node, {
        token: this.#options.managementToken,
        timeoutMs: 10_000,
      });
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
