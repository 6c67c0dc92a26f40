/**
 * A browser without a window, spoken to over its debugging port: as much of the protocol as a test of a page
 * needs.
 */
const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where a browser is, if there is one. */
export function chromiumPath(): string | undefined {
  return PATHS.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

type Answer = Record<string, unknown>;

/** One page of the browser. */
export class Page {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: { result?: Answer; error?: Answer }) => void>();
  #last = 0;
  /** What the page complained about on its console, and what it asked of whom. */
  readonly complaints: string[] = [];
  readonly requests: string[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, method, params, ...answer } = JSON.parse(data);
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
      if (method === "Runtime.exceptionThrown") {
        this.complaints.push(params.exceptionDetails.exception?.description ?? "an exception");
      }
      if (method === "Log.entryAdded") this.complaints.push(params.entry.text);
      if (method === "Runtime.consoleAPICalled") this.complaints.push(JSON.stringify(params.args));
      if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    });
  }

  /** Asks the browser for something. */
  async send(method: string, params: Answer = {}): Promise<Answer> {
    const id = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<{ result?: Answer; error?: Answer }>();
    this.#waiting.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await promise;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result!;
  }

  /** Sets its width, in CSS pixels, and opens an address. */
  async open(url: string, width: number): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
    await this.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height: 900, deviceScaleFactor: 1, mobile: width < 500 },
    });
    await this.send("Page.navigate", { url });
    await this.until(
      "document.readyState === 'complete' && document.querySelector('main') !== null",
    );
  }

  /** What an expression comes to in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (answer.exceptionDetails !== undefined) {
      throw new Error(`${expression}: ${JSON.stringify(answer.exceptionDetails)}`);
    }
    return (answer.result as { value: T }).value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, limitMs = 30_000): Promise<void> {
    const end = performance.now() + limitMs;
    while (!await this.evaluate<boolean>(`Boolean(${expression})`)) {
      if (performance.now() > end) throw new Error(`Never came true: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Presses a key. */
  async press(key: string, code: number, text = ""): Promise<void> {
    const common = { key, windowsVirtualKeyCode: code, ...(text === "" ? {} : { text }) };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...common });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...common });
  }

  /** A picture of the whole page, as PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Uint8Array.from(atob(data as string), (char) => char.charCodeAt(0));
  }

  /** Hangs up. */
  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.#socket.addEventListener("close", resolve));
    this.#socket.close();
    await closed;
  }
}

/** A browser. */
export class Chromium implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #port: number;
  readonly #pages: Page[] = [];

  private constructor(child: Deno.ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.#port = port;
  }

  /** Starts one. */
  static async start(path: string): Promise<Chromium> {
    const folder = await Deno.makeTempDir();
    const child = new Deno.Command(path, {
      args: [
        ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        ...["--no-first-run", "--disable-background-networking", "--remote-debugging-port=0"],
        ...[`--user-data-dir=${folder}`, "about:blank"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    for (let tries = 0; tries < 300; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      try {
        const [port] = (await Deno.readTextFile(`${folder}/DevToolsActivePort`)).split("\n");
        if (Number(port) > 0) return new Chromium(child, folder, Number(port));
      } catch {
        // Not yet.
      }
    }
    child.kill("SIGKILL");
    await child.status;
    throw new Error("The browser did not start");
  }

  /** A new page. */
  async newPage(): Promise<Page> {
    const reply = await fetch(`http://127.0.0.1:${this.#port}/json/new`, { method: "PUT" });
    const { webSocketDebuggerUrl } = await reply.json();
    const socket = new WebSocket(webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    const page = new Page(socket);
    this.#pages.push(page);
    return page;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const page of this.#pages) await page.close();
    this.#child.kill("SIGTERM");
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), 3000);
    await this.#child.status;
    clearTimeout(killer);
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }
}
