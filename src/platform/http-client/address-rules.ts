import { parse, parseCIDR, type IPv4, type IPv6 } from 'ipaddr.js';
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { AddressRefusedError } from './outbound-error';

type Network = readonly [IPv4 | IPv6, number];

// Azure answers for the machine's secrets on an address that is public by its number.
const refusedAlthoughPublic: readonly Network[] = [parseCIDR('168.63.129.16/32')];
// Whatever IPv6 has outside of it is local, reserved or an IPv4 address in disguise.
const globalUnicast: Network = parseCIDR('2000::/3');

/** Which addresses may be dialled: public ones, and those of the networks named. */
export class AddressRules {
  private readonly allowed: readonly Network[];

  constructor(allowed: readonly string[]) {
    this.allowed = allowed.map((network) => parseCIDR(network));
  }

  permits(address: string): boolean {
    const parsed = parse(address);
    if (this.allowed.some((network) => contains(network, parsed))) return true;
    if (refusedAlthoughPublic.some((network) => contains(network, parsed))) return false;
    return parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || contains(globalUnicast, parsed));
  }

  /** Throws {@link AddressRefusedError} for a host that is an address and refused; a name is for the lookup to judge. */
  assertLiteral(hostname: string): void {
    const host = hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !this.permits(host)) throw new AddressRefusedError(hostname);
  }

  /**
   * A lookup for `net.connect`: what it hands on is what is dialled, so that a name cannot change its address between
   * check and dial. One refused address among several refuses all.
   */
  guard(lookup: LookupFunction = systemLookup): LookupFunction {
    return (hostname, options, callback) =>
      lookup(hostname, options, (error, address, family) => {
        const found: readonly (string | LookupAddress)[] = Array.isArray(address) ? address : [address];
        const isRefused = () =>
          found.some((one) => !this.permits(typeof one === 'string' ? one : one.address));
        if (error === null && isRefused()) return callback(new AddressRefusedError(hostname), '', 0);
        callback(error, address, family);
      });
  }
}

function contains([network, bits]: Network, address: IPv4 | IPv6): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}
