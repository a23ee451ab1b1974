/** Credit for the server: tells it how much output has been drawn, in steps that neither stall it nor chatter. */
export class FlowControl {
  #rendered = 0;
  #told = 0;

  constructor(
    private readonly tell: (bytes: number) => void,
    private readonly step = 64 * 1024,
  ) {}

  rendered(bytes: number): void {
    this.#rendered += bytes;
    if (this.#rendered - this.#told >= this.step) this.flush();
  }

  flush(): void {
    if (this.#told === this.#rendered) return;
    this.#told = this.#rendered;
    this.tell(this.#rendered);
  }

  /** A new channel counts from nothing. */
  restart(): void {
    this.#rendered = this.#told = 0;
  }
}

/** Binary frames: kind 1, channel (big endian), bytes. */
export function frame(channel: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(5 + data.length);
  result[0] = 1;
  new DataView(result.buffer).setUint32(1, channel);
  result.set(data, 5);
  return result;
}

export function readFrame(data: Uint8Array<ArrayBuffer>): { channel: number; bytes: Uint8Array<ArrayBuffer> } | null {
  if (data.length < 5 || data[0] !== 1) return null;
  return { channel: new DataView(data.buffer, data.byteOffset).getUint32(1), bytes: data.subarray(5) };
}
