import { join } from 'node:path';
import type { LaboratoryFact } from '../history/facts.ts';
import { AGENTS, type AgentName, type Cluster } from './cluster.ts';
import { ContenderProcess } from './contender-process.ts';
import { FaultLine } from './fault-line.ts';
import { Seeded } from './seeded.ts';
import { CONTENDERS } from './terms.ts';

/** A contender: its line to an agent, and one process after the other. */
export interface Contender {
  readonly name: string;
  readonly agent: AgentName;
  readonly line: FaultLine;
  incarnation: number;
  process: ContenderProcess;
}

export interface CrewTerms {
  readonly cluster: Cluster;
  readonly seed: number;
  readonly run: string;
  readonly folder: string;
  readonly tell: (fact: LaboratoryFact) => void;
}

/** All contenders of a run, spread over the agents. */
export class ContenderCrew implements AsyncDisposable {
  readonly contenders: Contender[] = [];
  readonly #terms: CrewTerms;

  private constructor(terms: CrewTerms) {
    this.#terms = terms;
  }

  static async start(terms: CrewTerms): Promise<ContenderCrew> {
    const crew = new ContenderCrew(terms);
    try {
      for (let index = 0; index < CONTENDERS; index++) await crew.#add(index);
    } catch (error) {
      await crew[Symbol.asyncDispose]();
      throw error;
    }
    return crew;
  }

  /** After its death: the same contender in a new process. */
  async restart(contender: Contender): Promise<void> {
    contender.incarnation++;
    contender.process = await this.#startProcess(contender);
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.contenders.map(async ({ process }) => await process.dismiss()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process, line } of this.contenders) {
      if (process.isRunning) await process.kill();
      await line[Symbol.asyncDispose]();
    }
  }

  async #add(index: number): Promise<void> {
    const { cluster, seed, run, tell } = this.#terms;
    const name = `c${index}`;
    const agent = (['agent', ...AGENTS] as const)[index % (AGENTS.length + 1)]!;
    const random = Seeded.named(seed, `line of ${name}`);
    const line = await FaultLine.start(cluster.agents[agent], random, { contender: name, run, tell });
    const contender = { name, agent, line, incarnation: 0 };
    this.contenders.push({ ...contender, process: await this.#startProcess(contender) });
  }

  async #startProcess({ name, line, incarnation }: Omit<Contender, 'process'>): Promise<ContenderProcess> {
    const { seed, run, folder, tell } = this.#terms;
    const process = `${name}.${incarnation}`;
    const assignment = {
      process,
      seed,
      run,
      address: line.address,
      journal: join(folder, `${process}.jsonl`),
    };
    return await ContenderProcess.start(assignment, tell);
  }
}
