import { plainText } from './airport-text';

const states =
  'AL Alabama,AK Alaska,AZ Arizona,AR Arkansas,CA California,CO Colorado,CT Connecticut,DE Delaware,FL Florida,GA Georgia,' +
  'HI Hawaii,ID Idaho,IL Illinois,IN Indiana,IA Iowa,KS Kansas,KY Kentucky,LA Louisiana,ME Maine,MD Maryland,' +
  'MA Massachusetts,MI Michigan,MN Minnesota,MS Mississippi,MO Missouri,MT Montana,NE Nebraska,NV Nevada,' +
  'NH New Hampshire,NJ New Jersey,NM New Mexico,NY New York,NC North Carolina,ND North Dakota,OH Ohio,OK Oklahoma,' +
  'OR Oregon,PA Pennsylvania,RI Rhode Island,SC South Carolina,SD South Dakota,TN Tennessee,TX Texas,UT Utah,' +
  'VT Vermont,VA Virginia,WA Washington,WV West Virginia,WI Wisconsin,WY Wyoming,DC District of Columbia';

const alsoCalled: Readonly<Record<string, string>> = {
  usa: 'US',
  us: 'US',
  'united states of america': 'US',
  america: 'US',
  uk: 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  'great britain': 'GB',
  uae: 'AE',
  turkey: 'TR',
  holland: 'NL',
  'czech republic': 'CZ',
};

/** From the plain names and codes of countries and American states to `FR` or `US-TX`. */
export function regionsByName(countries: Iterable<string>): Map<string, string> {
  const found = new Map(Object.entries(alsoCalled));
  const english = new Intl.DisplayNames('en', { type: 'region' });
  for (const country of countries) {
    if (!/^[A-Z]{2}$/.test(country)) continue;
    found.set(plainText(english.of(country) ?? country), country);
    found.set(country.toLowerCase(), country);
  }
  // After the countries: people write `Savannah, GA` for the state, hardly ever for Gabon.
  for (const state of states.split(',')) {
    const region = `US-${state.slice(0, 2)}`;
    found.set(state.slice(0, 2).toLowerCase(), region);
    found.set(plainText(state.slice(3)), region);
  }
  return found;
}
