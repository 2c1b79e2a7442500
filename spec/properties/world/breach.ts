/** Something that no sequence may lead to. */
export class Breach extends Error {
  static {
    this.prototype.name = 'Breach';
  }
}
