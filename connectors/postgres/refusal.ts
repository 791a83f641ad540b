/** Why a value does not fit its column, as the end of the sentence “Field x: …”. */
export class Refusal {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}
