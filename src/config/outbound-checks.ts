import { isIP } from 'node:net';

interface OutboundSettings {
  readonly outboundAddresses: readonly string[];
  readonly outboundPorts: readonly number[];
}

/** What is wrong with the networks and ports that may be called. */
export function badNetworks({ outboundAddresses, outboundPorts }: OutboundSettings): string[] {
  const found: string[] = [];
  if (!outboundAddresses.every(isNetwork)) {
    found.push(
      'OUTBOUND_ALLOW_ADDRESSES must be networks with commas between, such as 10.1.0.0/16,fd00:1::/64',
    );
  }
  if (!outboundPorts.every((port) => Number.isNaN(port) || (port >= 1 && port <= 65_535))) {
    found.push('OUTBOUND_ALLOW_PORTS must be ports from 1 to 65535 with commas between');
  }
  return found;
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  const mostBits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= mostBits && !address.includes('%');
}
