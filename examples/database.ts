/** What is used of a PostgreSQL client. */
export interface Queries {
  query<Row>(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly Row[] }>;
}

export interface Database extends Queries {
  exec(script: string): Promise<unknown>;
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// Its own types do not compile without those of browsers.
const postgres: string = '@electric-sql/pglite';

/** A PostgreSQL within this process. */
export async function openDatabase(): Promise<Database> {
  const { PGlite } = (await import(postgres)) as { PGlite: new () => Database };
  return new PGlite();
}
