/** The process that Node itself tells of warnings and of what nobody handles; a spec sees a copy of it. */
export function realProcess(): NodeJS.Process {
  const { constructor: RealFunction } = process.constructor as unknown as {
    constructor: new (text: string) => () => NodeJS.Process;
  };
  return new RealFunction('return process')();
}
