import type { Logger } from 'pino';

/** What is used of a logger; never throws. */
export interface Log {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

const logs = new WeakMap<Logger, Log>();

/**
 * Writes to the logger of a user. One that throws, as pino does once its destination has ended, must not keep a lock from
 * being given back, nor its holder from being told of a loss.
 */
export function logTo(logger: Logger): Log {
  let log = logs.get(logger);
  if (!log) logs.set(logger, (log = new SafeLog(logger)));
  return log;
}

class SafeLog implements Log {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }

  #write(level: keyof Log, fields: object, message: string): void {
    try {
      this.#logger[level](fields, message);
    } catch {
      // There is nobody left to be told.
    }
  }
}
