/** What a review says, in Markdown; every number of it stands in the statistics as well. */
export const reviewTemplate = `
# Review of your trades

{{ executions }} executions in {{ symbols }} symbols, from {{ from | day }} to {% if to %}{{ to | day }}{% else %}now{% endif %}.
{% if isCut %}The history is longer than what was read; what is newer is missing here.{% endif %}
{% if withoutCost > 0 %}{{ withoutCost }} executions closed something whose cost is not known; they are in none of the amounts.{% endif %}

{% if results.size == 0 %}
Nothing was closed in this time, so that there is no result to speak of yet.
{% endif %}

{% for result in results %}
## Result{% if result.currency %} in {{ result.currency | plain }}{% endif %}

{{ result.roundTrips }} round trips brought {{ result.netProfit }} after fees: {{ result.wins }} won, {{ result.losses }} lost, a win rate of {{ result.winRate | percent }}. On average one brought {{ result.expectancy }}; a win {{ result.averageWin }}, a loss {{ result.averageLoss }}.

{% if result.profitFactor == nil %}
- None was lost. So short a record says little about what a loss would do.
{% elsif result.profitFactor < 1 %}
- Losses outweigh gains: for each unit lost, {{ result.profitFactor }} was gained. {% if result.winRate >= 0.5 %}Most round trips were won, so it is the size of the losses: the largest cost {{ result.largestLoss }}.{% else %}Most round trips were lost as well.{% endif %}
{% else %}
- Gains outweigh losses: for each unit lost, {{ result.profitFactor }} was gained.{% if result.winRate < 0.5 %} Fewer than half of the round trips were won: a few large gains carry the result.{% endif %}
{% endif %}
{% if result.maxDrawdown.to %}
- The deepest fall of the sum of all results was {{ result.maxDrawdown.amount }}, from {{ result.maxDrawdown.from | day }} to {{ result.maxDrawdown.to | day }}.
{% endif %}
{% if result.longestLosingStreak >= 3 %}
- Up to {{ result.longestLosingStreak }} losses came in a row.
{% endif %}
- Positions were held for {{ result.holding.medianSeconds | span }} (median), {{ result.holding.averageSeconds | span }} on average, {{ result.holding.longestSeconds | span }} at the longest.

| Symbol | Round trips | Won | Result |
| ------ | ----------: | --: | -----: |
{% for row in result.bySymbol -%}
| {{ row.symbol | plain }} | {{ row.roundTrips }} | {{ row.winRate | percent }} | {{ row.netProfit }} |
{% endfor %}
{% endfor %}

{% if concentration.top.size > 0 %}
## Concentration

{% for part in concentration.top limit: 1 %}{{ part.symbol | plain }} makes {{ part.share | percent }} of the round trips{% endfor %}; the index of concentration is {{ concentration.index }}, where 1 is a single symbol.{% if concentration.index > 0.5 %} The result hangs on few symbols.{% endif %}
{% endif %}

{% if openPositions.size > 0 %}
## Still open

{% for position in openPositions limit: 10 -%}
- {{ position.symbol | plain }}: {{ position.quantity }}{% if position.averageCost %} at {{ position.averageCost }} on average{% endif %}
{% endfor %}
{% endif %}

These are numbers of the past, worked out by a program. They are no advice.
`;
