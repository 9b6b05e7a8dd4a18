/**
 * Airports where business aviation commonly refuels: long runways, fuel and handling around the clock, and places in
 * between. By ICAO code.
 */
export const fuelStopCodes: readonly string[] = [
  // Across the Atlantic
  'CYQX CYYR CYHZ KBGR BIKF EINN LPAZ LPLA GVAC TJSJ TXKF SBRF GOBD',
  // North America
  'KICT KLNK KABQ KAMA KMEM KRAP KCMH KTYS KBIL KSLC KTUL KELP KFSD KBNA KDSM KGJT KBOI KJAX',
  'KSTL CYWG CYXE CYYZ PANC PAFA PHNL MMMY MMUN',
  // South and Central America
  'MPTO SKBO SPJC SBBR SBEG SCFA SAEZ',
  // Europe and the Mediterranean
  'EGPK EHAM LKPR LHBP LROP LGAV LCLK LEPA LEMG LMML EFHK ENGM EPWA GCLP',
  // Africa, the Middle East, Asia, the Pacific
  'HECA DGAA DNMM HKJK FALA FMEE OOMS OMDW OTHH OPKC UGTB UBBB UAAA UTTT VABB VECC VTBD VCBI',
  'WSSL WADD VHHH RCTP RJCC RKSI PGUM NFFN YPDN YPPH',
].flatMap((codes) => codes.split(' '));
