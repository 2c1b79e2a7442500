import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { CommandLine } from './command-line.ts';
import { startAgent } from './consul.ts';
import type { ConsulAgent } from './consul-server/consul-agent.ts';
import { FaultProxy } from './proxy.ts';
import { Scene } from './scene.ts';

/** What specs of the command share: an agent that nobody else uses, a way to it that can fail, and a scene for each. */
export class CommandStage {
  agent!: ConsulAgent;
  proxy!: FaultProxy;
  scene!: Scene;
  readonly #started: CommandLine[] = [];

  /** To be called where the specs are described. */
  static open(): CommandStage {
    const stage = new CommandStage();
    beforeAll(async () => {
      stage.agent = await startAgent();
      stage.proxy = await FaultProxy.start(stage.agent.address);
    });
    afterAll(async () => {
      await stage.proxy.stop();
      await stage.agent.stop();
    });
    beforeEach(() => {
      stage.scene = new Scene(stage.agent.address);
      stage.proxy.requests.length = 0;
    });
    afterEach(async () => {
      for (const line of stage.#started.splice(0)) await line[Symbol.asyncDispose]();
      stage.proxy.heal();
      await stage.scene.end();
    });
    return stage;
  }

  async start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandLine> {
    return this.#keep(await CommandLine.start(args, { address: this.proxy.address, env }));
  }

  async onTerminal(...args: readonly string[]): Promise<CommandLine> {
    return this.#keep(await CommandLine.onTerminal(args, { address: this.proxy.address }));
  }

  async inShell(line: string): Promise<CommandLine> {
    return this.#keep(await CommandLine.inShell(line, { address: this.proxy.address }));
  }

  async shellOnTerminal(): Promise<CommandLine> {
    return this.#keep(await CommandLine.shellOnTerminal({ address: this.proxy.address }));
  }

  /** The ids of all sessions, of all programs: this agent has no others. */
  async sessions(): Promise<string[]> {
    const { text } = await this.scene.ask('/v1/session/list?consistent');
    return (JSON.parse(text) as { ID: string }[]).map(({ ID }) => ID);
  }

  /** Keys that never were locks too. */
  async removeKeys(): Promise<void> {
    const operations = [{ KV: { Verb: 'delete-tree', Key: this.scene.fullKey('') } }];
    await this.scene.ask('/v1/txn', { method: 'PUT', body: JSON.stringify(operations) });
  }

  #keep(line: CommandLine): CommandLine {
    this.#started.push(line);
    return line;
  }
}
