import { EphemeralLock, forceRelease } from 'consul-lock';
import { type Database, openDatabase, type Queries } from './database.ts';

// #region sample
const TABLE = `
  CREATE TABLE fence (resource text PRIMARY KEY, epoch integer NOT NULL, token bigint NOT NULL)`;

const ADMIT = `
  INSERT INTO fence AS f (resource, epoch, token) VALUES ($1, $2, $3)
  ON CONFLICT (resource) DO UPDATE SET epoch = excluded.epoch, token = excluded.token
  WHERE (f.epoch, f.token) <= (excluded.epoch, excluded.token)
  RETURNING token`;

/** From the program's configuration: raised when Consul is restored or rebuilt. */
const EPOCH = 1;

/** Runs `work` in a transaction of the database that is refused once a later holder has shown its token. */
async function fenced<T>(
  database: Database,
  { resource, token }: { resource: string; token: number },
  work: (queries: Queries) => Promise<T>,
): Promise<T> {
  return await database.transaction(async (queries) => {
    const { rows } = await queries.query(ADMIT, [resource, EPOCH, token]);
    // What is thrown here rolls the transaction back.
    if (rows.length === 0) throw new Error(`a later holder of ${resource} has been here`);
    return await work(queries);
  });
}
// #endregion

const database = await openDatabase();
await database.exec(TABLE);
await database.exec('CREATE TABLE reports (day text PRIMARY KEY)');

const lock = new EphemeralLock('reports/fenced');
const late = await lock.acquire();
await forceRelease('reports/fenced');
const now = await lock.acquire();
const writes = [
  { holder: late, day: 'monday' },
  { holder: now, day: 'tuesday' },
  { holder: now, day: 'wednesday' },
  { holder: late, day: 'thursday' },
];
for (const { holder, day } of writes) {
  const fence = { resource: 'reports', token: holder.fencingToken };
  const written = fenced(database, fence, async (queries) => {
    await queries.query('INSERT INTO reports VALUES ($1)', [day]);
  });
  await written.catch((error: Error) => console.log(`${day}: ${error.message}`));
}
const { rows } = await database.query<{ day: string }>('SELECT day FROM reports ORDER BY day');
console.log(rows.map(({ day }) => day).join(' '));
await now.release();
await late.release();
await database.close();
