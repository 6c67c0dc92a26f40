/** The public part of the network layer. */
export { BrokenError, bytesSent, IncompleteError } from "../io/errors.ts";
export type { TlsClientOptions, TlsServerOptions } from "../io/open.ts";
export { bindDatagram, type UdpOptions, type UnixPacketOptions } from "./bind_datagram.ts";
export { connect, type TcpConnectOptions, type UnixConnectOptions } from "./connect.ts";
export { DatagramSocket, type UdpAddress, type UnixAddress } from "./datagram_socket.ts";
export { alarm, type AlarmOptions, EventStream, signals } from "./events.ts";
export { listen, type TcpListenOptions, type UnixListenOptions } from "./listen.ts";
export { Listener } from "./listener.ts";
export { Membership } from "./multicast.ts";
export { PipeReader, readFrom, stdin } from "./pipe_reader.ts";
export { PipeWriter, writeTo } from "./pipe_writer.ts";
export { Socket } from "./socket.ts";
