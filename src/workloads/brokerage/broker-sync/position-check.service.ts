import { Injectable } from '@nestjs/common';
import { Big } from 'big.js';
import type { BrokerPosition } from '../../../integrations/broker/broker-activity';
import type { BrokerAccount, BrokerAdapter } from '../../../integrations/broker/broker-adapter';
import { ActivityStore } from '../activity.store';
import type { PositionDifference, Reconciliation } from '../brokerage.tables';
import type { BrokerConnection } from '../connection.store';

const MAX_LISTED = 200;

/** Compares the positions that the stored activities make with those that the broker tells. */
@Injectable()
export class PositionCheck {
  constructor(private readonly activities: ActivityStore) {}

  async check(
    { tenant, userId, id }: BrokerConnection,
    adapter: BrokerAdapter,
    account: BrokerAccount,
    signal: AbortSignal,
  ): Promise<Reconciliation> {
    const reported = await adapter.positions(account, signal);
    const computed = await this.activities.positions({ tenant, userId, source: id });
    return compared(computed, reported);
  }
}

/** Exact, symbol by symbol; one that only one side has counts as 0 on the other. */
export function compared(
  computed: readonly BrokerPosition[],
  reported: readonly BrokerPosition[] | undefined,
): Reconciliation {
  const checkedAt = new Date().toISOString();
  if (reported === undefined) {
    return {
      status: 'unavailable',
      checkedAt,
      symbols: computed.length,
      differenceCount: 0,
      differences: [],
    };
  }
  const ours = totals(computed);
  const theirs = totals(reported);
  const symbols = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
  const differences = symbols.flatMap((symbol): PositionDifference[] => {
    const own = ours.get(symbol) ?? Big(0);
    const told = theirs.get(symbol) ?? Big(0);
    if (own.eq(told)) return [];
    const [ownText, toldText] = [own.toFixed(), told.toFixed()];
    return [{ symbol, computed: ownText, reported: toldText, difference: own.minus(told).toFixed() }];
  });
  return {
    status: differences.length === 0 ? 'matches' : 'differs',
    checkedAt,
    symbols: symbols.length,
    differenceCount: differences.length,
    differences: differences.slice(0, MAX_LISTED),
  };
}

/** A broker may tell one symbol in several lots. */
function totals(positions: readonly BrokerPosition[]): Map<string, Big> {
  const sums = new Map<string, Big>();
  for (const { symbol, quantity } of positions) {
    sums.set(symbol, (sums.get(symbol) ?? Big(0)).plus(quantity));
  }
  return sums;
}
