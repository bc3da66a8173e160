; The Mandelbrot set, with floats.

(define limit 50)

(define (escapes-after cr ci)
  (let loop ((n 0) (zr 0.0) (zi 0.0))
    (let ((zr2 (* zr zr))
          (zi2 (* zi zi)))
      (if (or (= n limit) (> (+ zr2 zi2) 4.0))
          n
          (loop (+ n 1)
                (+ (- zr2 zi2) cr)
                (+ (* 2.0 zr zi) ci))))))

(define (shade n)
  (cond ((= n limit) "#")
        ((> n 12) "+")
        ((> n 6) "-")
        ((> n 3) ".")
        (else " ")))

(do ((y 0 (+ y 1)))
    ((= y 21))
  (do ((x 0 (+ x 1)))
      ((= x 60) (newline))
    (display (shade (escapes-after (- (/ x 24.0) 1.9)
                                   (- (/ y 9.0) 1.1))))))
